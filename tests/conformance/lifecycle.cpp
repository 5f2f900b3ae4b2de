#include "conformance/lab.hpp"

#include <algorithm>

using namespace slipway;
using namespace slipway::test;
using engine::Change;

TEST_SUITE("Lifecycle")
{
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
        spec.name = unique_name("name");
        const auto id = lab.create(spec);
        CHECK(lab.must(lab.containers.inspect(spec.name)).id == id);
        CHECK(lab.must(lab.containers.inspect("/" + spec.name)).id == id);
        CHECK(lab.refused(lab.containers.create(spec)).code == Errc::conflict);
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

    TEST_CASE("a command that is not there")
    {
        Lab lab;
        const auto id = lab.create(lab.spec({"slipway-no-such-command"}));
        const auto error = lab.refused(lab.containers.start(id));
        CHECK_MESSAGE(contains(describe(error), "slipway-no-such-command"), describe(error));
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("what was asked for is what runs")
    {
        Lab lab;
        auto spec = lab.spec(
            {"-c",
             "hostname; id -u; id -g; pwd; echo $A; "
             "grep -c ' /scratch tmpfs' /proc/mounts; "
             "grep one.example /etc/hosts | head -n 1; "
             "touch /x 2>/dev/null || echo read-only"}
        );
        spec.entrypoint = std::vector<std::string>{"sh"};
        spec.hostname = "slipway-host";
        spec.user = "12:34";
        spec.working_dir = "/etc";
        spec.env = {"A=b  c"};
        spec.host.network_mode = "";
        spec.host.readonly_rootfs = true;
        spec.host.tmpfs["/scratch"] = "size=1m";
        spec.host.extra_hosts = {"one.example:10.9.8.7"};
        const auto id = lab.create(spec);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        CHECK(lab.exit_code(id) == 0);
        const engine::LogOptions all;
        auto out = lab.read(lab.must(lab.containers.logs(id, all))).out;
        std::ranges::replace(out, '\t', ' ');
        CHECK(out == "slipway-host\n12\n34\n/etc\nb c\n1\n10.9.8.7 one.example\nread-only\n");
        lab.remove(id);
    }

    TEST_CASE("the stop signal is that of the container, and then there is no more asking")
    {
        Lab lab;
        auto spec =
            lab.spec({"sh", "-c", "trap 'exit 9' USR1; echo set; while :; do sleep 0.1; done"});
        spec.stop_signal = "SIGUSR1";
        const auto polite = lab.create(spec);
        spec.cmd = {"sh", "-c", "trap '' USR1; echo set; while :; do sleep 0.1; done"};
        const auto deaf = lab.create(spec);
        for (const auto& id : {polite, deaf}) {
            CHECK(lab.must(lab.containers.start(id)) == Change::done);
            lab.hear(id, "set");
        }
        CHECK(lab.must(lab.containers.stop(polite)) == Change::done);
        CHECK(lab.exit_code(polite) == 9);
        CHECK(lab.must(lab.containers.stop(deaf, std::chrono::seconds(1))) == Change::done);
        CHECK(lab.exit_code(deaf) == 137);
        lab.remove(polite);
        lab.remove(deaf);
    }

    TEST_CASE("a removal takes anonymous volumes where that was asked for")
    {
        Lab lab;
        auto spec = lab.spec({"true"});
        engine::Mount mount;
        mount.type = "volume";
        mount.target = "/data";
        mount.volume.emplace();
        mount.volume->labels = lab.labels();
        spec.host.mounts.push_back(mount);
        const auto id = lab.create(spec);
        const auto info = lab.must(lab.containers.inspect(id));
        REQUIRE(info.mounts.size() == 1);
        const auto volume = info.mounts[0].name;
        lab.must(lab.volumes.inspect(volume));
        engine::RemoveContainer with_volumes;
        with_volumes.volumes = true;
        lab.must(lab.containers.remove(id, with_volumes));
        CHECK(lab.refused(lab.volumes.inspect(volume)).code == Errc::not_found);
    }
}
