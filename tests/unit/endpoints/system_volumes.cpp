#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"

#include <slipway/engine/system.hpp>
#include <slipway/engine/volumes.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

TEST_SUITE("engine.system")
{
    TEST_CASE("recorded versions of both engines")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("version.json"));
        engine.reply(200, podman_reply("version.json"));
        const auto docker = run(System(engine).version());
        REQUIRE(docker.has_value());
        CHECK(engine.calls[0].method == "GET");
        CHECK(engine.calls[0].target == "/version");
        CHECK(docker->version.starts_with("20.10.24"));
        CHECK(docker->api_version == "1.41");
        CHECK(docker->min_api_version == "1.12");
        CHECK(docker->os == "linux");
        CHECK(docker->architecture == "amd64");
        CHECK(docker->components.at(0).name == "Engine");
        CHECK(docker->components.at(0).details.contains("GitCommit"));
        const auto podman = run(System(engine).version());
        REQUIRE(podman.has_value());
        CHECK(podman->version == "4.3.1");
        CHECK(podman->components.at(0).name == "Podman Engine");
    }

    TEST_CASE("recorded infos of both engines")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("info.json"));
        engine.reply(200, podman_reply("info.json"));
        for (const char* driver : {"overlay2", "overlay"}) {
            const auto info = run(System(engine).info());
            REQUIRE(info.has_value());
            CHECK(info->storage_driver == driver);
            CHECK(info->name == "buildhost");
            CHECK(info->cpus > 0);
            CHECK(info->memory_bytes > 1'000'000'000);
            CHECK(info->os_type == "linux");
            CHECK(!info->driver_status.empty());
            CHECK(!info->root_directory.empty());
            CHECK(!info->cgroup_version.empty());
            CHECK(!is_rootless(*info));
            CHECK(!remaps_users(*info));
            CHECK(!uses_containerd_store(*info));
        }
        CHECK(engine.calls[0].target == "/info");
    }

    TEST_CASE("what callers act on is found in the options and the driver's rows")
    {
        EngineInfo info;
        info.security_options = {"name=seccomp,profile=default", "name=rootless"};
        CHECK(is_rootless(info));
        CHECK(!remaps_users(info));
        info.security_options = {"name=userns,x=y", "name=rootlesskit", "rootless"};
        CHECK(!is_rootless(info));
        CHECK(remaps_users(info));
        info.rootless_flag = true;
        CHECK(is_rootless(info));
        info.driver_status = {{"driver-type", "io.containerd.snapshotter.v1"}};
        CHECK(uses_containerd_store(info));
        info.driver_status = {{"driver-type"}, {}, {"x", "io.containerd.snapshotter.v1"}};
        CHECK(!uses_containerd_store(info));
    }
}

TEST_SUITE("engine.volumes")
{
    TEST_CASE("create sends what is set, and takes a volume that exists")
    {
        FakeTransport engine;
        engine.reply(201, docker_reply("volume-create.json"));
        engine.reply(201, podman_reply("volume-create-again.json"));
        VolumeSpec spec;
        spec.name = "slipway-rec-vol";
        spec.driver = "local";
        spec.driver_options = {{"type", "tmpfs"}};
        spec.labels = {{"slipway.test", "record"}};
        const auto docker = run(Volumes(engine).create(spec));
        REQUIRE(docker.has_value());
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/volumes/create");
        CHECK(
            engine.calls[0].body
            == R"({"Name":"slipway-rec-vol","Driver":"local","DriverOpts":{"type":"tmpfs"},)"
               R"("Labels":{"slipway.test":"record"}})"
        );
        CHECK(docker->name == "slipway-rec-vol");
        CHECK(docker->driver == "local");
        CHECK(docker->scope == "local");
        CHECK(docker->labels.at("slipway.test") == "record");
        CHECK(docker->mountpoint.ends_with("/_data"));
        const VolumeSpec bare;
        const auto podman = run(Volumes(engine).create(bare));
        REQUIRE(podman.has_value());
        CHECK(engine.calls[1].body == "{}");
    }

    TEST_CASE("one that somebody else makes at the same moment is taken, of another driver refused")
    {
        FakeTransport engine;
        engine.reply(
            500,
            R"({"cause":"volume already exists","message":"volume with name v already exists: )"
            R"(volume already exists","response":500})"
        );
        engine.reply(201, podman_reply("volume-create-again.json"));
        engine.reply(409, R"({"message":"a volume named v already exists with the other driver"})");
        VolumeSpec spec;
        spec.name = "v";
        CHECK(run(Volumes(engine).create(spec)).has_value());
        REQUIRE(engine.calls.size() == 2);
        CHECK(engine.calls[1].body == engine.calls[0].body);
        const auto other = run(Volumes(engine).create(spec));
        REQUIRE(!other.has_value());
        CHECK(other.error().code == Errc::conflict);
        CHECK(engine.calls.size() == 3);
    }

    TEST_CASE("list unwraps, filters, and takes null for none")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("volumes-list.json"));
        engine.reply(200, podman_reply("volumes-list.empty.json"));
        engine.reply(200, R"({"Volumes":null,"Warnings":null})");
        const Filters filters{{"label", {"slipway.test=record"}}};
        const auto list = run(Volumes(engine).list(filters));
        REQUIRE(list.has_value());
        CHECK(list->size() == 1);
        CHECK(list->front().name == "slipway-rec-vol");
        CHECK(
            engine.calls[0].target
            == "/volumes?filters=%7B%22label%22:%5B%22slipway.test%3Drecord%22%5D%7D"
        );
        CHECK(run(Volumes(engine).list())->empty());
        CHECK(run(Volumes(engine).list())->empty());
        CHECK(engine.calls[1].target == "/volumes");
    }

    TEST_CASE("an engine that takes filters for alternatives is asked for each")
    {
        const Filters filters{{"driver", {"local"}}, {"label", {"a=b", "c"}}, {"name", {"x", "y"}}};
        FakeTransport docker;
        docker.reply(200, R"({"Volumes":[{"Name":"x","Driver":"local"}]})");
        CHECK(run(Volumes(docker).list(filters))->size() == 1);
        CHECK(docker.calls.size() == 1);

        FakeTransport podman;
        podman.known.volume_filters_are_alternatives = true;
        podman.reply(200, R"({"Volumes":[{"Name":"x"},{"Name":"y"},{"Name":"z"},{"Name":"w"}]})");
        podman.reply(200, R"({"Volumes":[{"Name":"z"},{"Name":"y"},{"Name":"x"}]})");
        podman.reply(200, R"({"Volumes":[{"Name":"y"},{"Name":"x"},{"Name":"w"}]})");
        podman.reply(200, R"({"Volumes":[{"Name":"y"},{"Name":"v"}]})");
        const auto list = run(Volumes(podman).list(filters));
        REQUIRE(list.has_value());
        REQUIRE(list->size() == 1);
        CHECK(list->front().name == "y");
        std::vector<std::string> asked;
        for (const RecordedCall& call : podman.calls) {
            asked.push_back(call.target.substr(call.target.find('=') + 1));
        }
        const std::vector<std::string> each{
            "%7B%22driver%22:%5B%22local%22%5D%7D",
            "%7B%22label%22:%5B%22a%3Db%22%5D%7D",
            "%7B%22label%22:%5B%22c%22%5D%7D",
            "%7B%22name%22:%5B%22x%22,%22y%22%5D%7D"};
        CHECK(asked == each);

        podman.reply(200, R"({"Volumes":[]})");
        CHECK(run(Volumes(podman).list())->empty());
        CHECK(podman.calls.back().target == "/volumes");
    }

    TEST_CASE("inspect and remove")
    {
        FakeTransport engine;
        engine.reply(200, podman_reply("volume-inspect.json"));
        engine.reply(204);
        engine.reply(204);
        engine.reply(409, docker_reply("volume-remove.in-use.json"));
        engine.reply(404, podman_reply("volume-remove.404.json"));
        const auto volume = run(Volumes(engine).inspect("slipway-rec-vol"));
        REQUIRE(volume.has_value());
        CHECK(volume->name == "slipway-rec-vol");
        CHECK(engine.calls[0].target == "/volumes/slipway-rec-vol");
        CHECK(run(Volumes(engine).remove("v")).has_value());
        CHECK(run(Volumes(engine).remove("v", true)).has_value());
        CHECK(engine.calls[1].method == "DELETE");
        CHECK(engine.calls[1].target == "/volumes/v");
        CHECK(engine.calls[2].target == "/volumes/v?force=1");
        const auto used = run(Volumes(engine).remove("v"));
        REQUIRE(!used.has_value());
        CHECK(used.error().code == Errc::conflict);
        const auto absent = run(Volumes(engine).remove("v"));
        REQUIRE(!absent.has_value());
        CHECK(absent.error().code == Errc::not_found);
        CHECK(!run(Volumes(engine).remove("")).has_value());
        CHECK(engine.calls.size() == 5);
    }

    TEST_CASE("a filter that is no UTF-8 is refused here")
    {
        FakeTransport engine;
        const Filters filters{{"label", {"\xff"}}};
        const auto list = run(Volumes(engine).list(filters));
        REQUIRE(!list.has_value());
        CHECK(list.error().code == Errc::invalid_argument);
        CHECK(engine.calls.empty());
    }
}
