#include "integration/engine/lab.hpp"

#include <unistd.h>

#include <algorithm>

using namespace slipway;
using namespace slipway::test;
using engine::Change;

TEST_SUITE("engine.containers")
{
    TEST_CASE("who is there")
    {
        Lab lab;
        CHECK(lab.traits().api >= engine::ApiVersion{1, 24});
        const auto version = lab.must(lab.system.version());
        CHECK(!version.version.empty());
        CHECK(!version.architecture.empty());
        const auto info = lab.must(lab.system.info());
        CHECK(!info.storage_driver.empty());
        CHECK(info.cpus > 0);
    }

    TEST_CASE("a container from its creation to its removal")
    {
        Lab lab;
        auto spec = lab.spec({"sleep", "600"});
        spec.env = {"A=b c"};
        spec.working_dir = "/tmp";
        const auto id = lab.create(spec);
        CHECK(id.size() == 64);

        auto info = lab.must(lab.containers.inspect(id));
        CHECK(info.state.status == "created");
        CHECK(info.config.working_dir == "/tmp");
        CHECK(std::ranges::find(info.config.env, "A=b c") != info.config.env.end());
        REQUIRE(lab.ours().size() == 1);
        CHECK(lab.ours()[0].id == id);

        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        CHECK(lab.must(lab.containers.start(id)) == Change::already);
        CHECK(lab.must(lab.containers.inspect(id)).state.running);
        CHECK(lab.refused(lab.containers.remove(id)).code == Errc::conflict);

        CHECK(lab.must(lab.containers.stop(id, std::chrono::seconds(0))) == Change::done);
        CHECK(lab.must(lab.containers.stop(id, std::chrono::seconds(0))) == Change::already);
        CHECK(lab.refused(lab.containers.kill(id)).code == Errc::conflict);
        CHECK(lab.exit_code(id) == 137);

        lab.must(lab.containers.remove(id));
        CHECK(lab.refused(lab.containers.inspect(id)).code == Errc::not_found);
        CHECK(lab.must(lab.containers.discard(id)) == Change::already);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("names, and what is refused")
    {
        Lab lab;
        auto spec = lab.spec({"true"});
        spec.name = "slipway-test-name-" + std::to_string(::getpid());
        const auto id = lab.create(spec);
        CHECK(lab.must(lab.containers.inspect(spec.name)).id == id);
        CHECK(lab.must(lab.containers.inspect("/" + spec.name)).id == id);
        const auto again = lab.refused(lab.containers.create(spec)).code;
        CHECK_MESSAGE(
            (again == Errc::conflict || (lab.podman() && again == Errc::engine)), name(again)
        );
        lab.remove(id);

        auto absent = lab.spec({"true"});
        absent.image = "slipway.invalid/no-such-image:none";
        CHECK(lab.refused(lab.containers.create(absent)).code == Errc::not_found);
        CHECK(
            lab.refused(lab.containers.start("slipway-no-such-container")).code == Errc::not_found
        );
        CHECK(lab.ours().empty());
    }

    TEST_CASE("a signal, and the exit code it leaves")
    {
        Lab lab;
        const auto id = lab.idle();
        lab.must(lab.containers.kill(id, "SIGKILL"));
        CHECK(lab.exit_code(id) == 137);
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("a wait that was registered before the start sees the exit")
    {
        Lab lab;
        const auto id = lab.create(lab.spec({"sh", "-c", "sleep 1; exit 5"}));
        auto wait = lab.must(lab.containers.wait(id, engine::WaitCondition::next_exit));
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        CHECK(lab.must(wait.result()).code == 5);
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("a command that is not there")
    {
        Lab lab;
        const auto id = lab.create(lab.spec({"slipway-no-such-command"}));
        const auto error = lab.refused(lab.containers.start(id));
        CHECK_MESSAGE(contains(describe(error), "slipway-no-such-command"), describe(error));
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("logs keep the two outputs apart")
    {
        Lab lab;
        const auto id =
            lab.create(lab.spec({"sh", "-c", "echo to out; echo to err >&2; echo more"}));
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        engine::LogOptions follow;
        follow.follow = true;
        const auto live = lab.read(lab.must(lab.containers.logs(id, follow)));
        CHECK(live.out == "to out\nmore\n");
        CHECK(live.err == "to err\n");
        CHECK(lab.exit_code(id) == 0);
        engine::LogOptions last;
        last.tail = 1;
        const auto tail = lab.read(lab.must(lab.containers.logs(id, last)));
        CHECK(std::ranges::count(tail.out + tail.err, '\n') == 1); // of both outputs together
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("volumes")
    {
        Lab lab;
        engine::VolumeSpec spec;
        spec.name = "slipway-test-" + std::to_string(::getpid());
        spec.labels["slipway.test"] = spec.name;
        CHECK(lab.must(lab.volumes.create(spec)).name == spec.name);
        CHECK(lab.must(lab.volumes.create(spec)).name == spec.name);
        CHECK(lab.must(lab.volumes.inspect(spec.name)).labels.at("slipway.test") == spec.name);
        engine::Filters ours;
        ours["label"] = {"slipway.test=" + spec.name};
        CHECK(lab.must(lab.volumes.list(ours)).size() == 1);

        auto user = lab.spec({"sleep", "600"});
        engine::Mount mount;
        mount.type = "volume";
        mount.source = spec.name;
        mount.target = "/data";
        user.host.mounts.push_back(mount);
        const auto id = lab.create(user);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        CHECK(lab.refused(lab.volumes.remove(spec.name)).code == Errc::conflict);
        lab.remove(id);

        lab.must(lab.volumes.remove(spec.name));
        CHECK(lab.refused(lab.volumes.inspect(spec.name)).code == Errc::not_found);
        CHECK(lab.must(lab.volumes.list(ours)).empty());
        CHECK(lab.ours().empty());
    }
}
