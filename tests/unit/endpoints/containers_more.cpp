#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"
#include "support/tar.hpp"

#include <slipway/engine/containers.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;
using namespace std::chrono_literals;

TEST_SUITE("engine.containers.state")
{
    TEST_CASE("restart always sends its time, and waits longer than that")
    {
        FakeTransport engine;
        engine.reply(204);
        engine.reply(204);
        CHECK(run(Containers(engine).restart("x")).has_value());
        CHECK(run(Containers(engine).restart("x", 0s)).has_value());
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/containers/x/restart?t=10");
        CHECK(engine.calls[0].deadline > 10s);
        CHECK(engine.calls[1].target == "/containers/x/restart?t=0");
        const auto refused = run(Containers(engine).restart("x", -1s));
        REQUIRE(!refused.has_value());
        CHECK(refused.error().code == Errc::invalid_argument);
        CHECK(engine.calls.size() == 2);
    }

    TEST_CASE("stop and restart send a signal where the engine takes one")
    {
        FakeTransport engine;
        engine.reply(204);
        engine.reply(204);
        CHECK(run(Containers(engine).stop("x", 3s, "SIGINT")) == Change::done);
        CHECK(run(Containers(engine).restart("x", 4s, "2")).has_value());
        CHECK(engine.calls[0].target == "/containers/x/stop?t=3&signal=SIGINT");
        CHECK(engine.calls[1].target == "/containers/x/restart?t=4&signal=2");
        engine.known.can_stop_with_signal = false; // podman, and dockerd below API 1.42
        const auto stop = run(Containers(engine).stop("x", 3s, "SIGINT"));
        REQUIRE(!stop.has_value());
        CHECK(stop.error().code == Errc::unsupported);
        CHECK(stop.error().context.back() == "stopping container x");
        CHECK(!stop.error().hint.empty());
        CHECK(run(Containers(engine).restart("x", 3s, "2")).error().code == Errc::unsupported);
        CHECK(engine.calls.size() == 2);
        engine.reply(204);
        CHECK(run(Containers(engine).stop("x", 3s)) == Change::done);
    }

    TEST_CASE("pause and unpause, and the wrong state on both engines")
    {
        FakeTransport engine;
        engine.reply(204);
        engine.reply(204);
        CHECK(run(Containers(engine).pause("x")).has_value());
        CHECK(run(Containers(engine).unpause("x")).has_value());
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/containers/x/pause");
        CHECK(engine.calls[1].target == "/containers/x/unpause");
        engine.reply(409, docker_reply("container-pause.stopped.json"));
        engine.reply(500, podman_reply("container-pause.stopped.json"));
        for (int i = 0; i < 2; ++i) {
            CHECK(run(Containers(engine).pause("x")).error().code == Errc::conflict);
        }
        engine.reply(500, docker_reply("container-unpause.running.json"));
        engine.reply(500, podman_reply("container-unpause.running.json"));
        for (int i = 0; i < 2; ++i) {
            CHECK(run(Containers(engine).unpause("x")).error().code == Errc::conflict);
        }
        engine.reply(
            500,
            R"({"cause":"this container does not have a cgroup","message":"can not pause )"
            R"(containers on rootless containers with cgroup V1: this container does not have a )"
            R"(cgroup","response":500})"
        );
        CHECK(run(Containers(engine).pause("x")).error().code == Errc::unsupported);
    }

    TEST_CASE("rename sends the name, and refuses an empty one here")
    {
        FakeTransport engine;
        engine.reply(204);
        CHECK(run(Containers(engine).rename("x", "new name")).has_value());
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/containers/x/rename?name=new%20name");
        engine.reply(400, docker_reply("container-rename.bad.json"));
        engine.reply(500, podman_reply("container-rename.bad.json"));
        for (int i = 0; i < 2; ++i) {
            const auto refused = run(Containers(engine).rename("x", "BAD name"));
            REQUIRE(!refused.has_value());
            CHECK(refused.error().code == Errc::invalid_argument);
            CHECK(refused.error().context.back() == "renaming container x to BAD name");
        }
        CHECK(run(Containers(engine).rename("x", "")).error().code == Errc::invalid_argument);
        CHECK(run(Containers(engine).rename("", "y")).error().code == Errc::invalid_argument);
        CHECK(engine.calls.size() == 3);
    }

    TEST_CASE("update sends what is set and returns the warnings")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("container-update.json"));
        engine.reply(200, R"({"Warnings":["no swap"]})");
        engine.reply(404, podman_reply("container-update.json"));
        const ContainerUpdate nothing;
        const auto quiet = run(Containers(engine).update("x", nothing));
        REQUIRE(quiet.has_value());
        CHECK(quiet->empty());
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/containers/x/update");
        CHECK(engine.calls[0].body == "{}");
        CHECK(engine.calls[0].headers.get("content-type") == "application/json");
        ContainerUpdate update;
        update.memory = 1;
        update.memory_swap = -1;
        update.memory_reservation = 2;
        update.nano_cpus = 3;
        update.cpu_shares = 4;
        update.cpu_period = 5;
        update.cpu_quota = 6;
        update.cpuset_cpus = "0-1";
        update.cpuset_mems = "0";
        update.pids_limit = 7;
        update.blkio_weight = 8;
        RestartPolicy restart;
        restart.name = "on-failure";
        restart.max_retries = 9;
        update.restart = restart;
        const auto warned = run(Containers(engine).update("x", update));
        REQUIRE(warned.has_value());
        CHECK(warned->front() == "no swap");
        CHECK(
            engine.calls[1].body
            == R"({"Memory":1,"MemorySwap":-1,"MemoryReservation":2,"NanoCpus":3,"CpuShares":4,)"
               R"("CpuPeriod":5,"CpuQuota":6,"CpusetCpus":"0-1","CpusetMems":"0","PidsLimit":7,)"
               R"("BlkioWeight":8,"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":9}})"
        );
        // Podman has no such route before 5.1, and says so in plain text.
        const auto absent = run(Containers(engine).update("x", update));
        REQUIRE(!absent.has_value());
        CHECK(absent.error().code == Errc::unsupported);
    }
}

TEST_SUITE("engine.containers.look")
{
    TEST_CASE("the process tables of both engines, with one text a column")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("container-top.json"));
        engine.reply(200, podman_reply("container-top.json"));
        const auto docker = run(Containers(engine).top("x"));
        REQUIRE(docker.has_value());
        CHECK(engine.calls[0].target == "/containers/x/top");
        CHECK(docker->titles.size() == 8);
        CHECK(docker->titles.back() == "CMD");
        CHECK(docker->rows.front().back() == "sleep 6000");
        const auto podman = run(Containers(engine).top("x", "-o pid,args"));
        REQUIRE(podman.has_value());
        CHECK(engine.calls[1].target == "/containers/x/top?ps_args=-o%20pid,args");
        CHECK(podman->titles == std::vector<std::string>{"PID", "USER", "COMMAND"});
        REQUIRE(podman->rows.size() == 1);
        CHECK(podman->rows[0] == std::vector<std::string>{"1", "root", "sleep 6000"});
    }

    TEST_CASE("a table of one column stays one, and short lines stay short")
    {
        FakeTransport engine;
        engine.reply(200, R"({"Titles":["COMMAND"],"Processes":[["a b  c"],["d"]]})");
        engine.reply(
            200, R"({"Titles":["PID  CMD "],"Processes":[[" 1  a  b "],["2"],[""],["3","x y"]]})"
        );
        engine.reply(200, R"({"Titles":null,"Processes":null})");
        const auto one = run(Containers(engine).top("x"));
        CHECK(one->rows[0] == std::vector<std::string>{"a b  c"});
        const auto two = run(Containers(engine).top("x"));
        CHECK(two->titles == std::vector<std::string>{"PID", "CMD"});
        CHECK(two->rows[0] == std::vector<std::string>{"1", "a  b"});
        CHECK(two->rows[1] == std::vector<std::string>{"2"});
        CHECK(two->rows[2].empty());
        CHECK(two->rows[3] == std::vector<std::string>{"3", "x y"});
        CHECK(run(Containers(engine).top("x"))->rows.empty());
    }

    TEST_CASE("the processes of a container that does not run are a conflict on both engines")
    {
        FakeTransport engine;
        engine.reply(409, docker_reply("container-top.stopped.json"));
        engine.reply(200, podman_reply("container-top.stopped.json"));
        for (int i = 0; i < 2; ++i) {
            const auto table = run(Containers(engine).top("x"));
            REQUIRE(!table.has_value());
            CHECK(table.error().code == Errc::conflict);
            CHECK(table.error().context.back() == "listing the processes of container x");
        }
    }

    TEST_CASE("changes, none, and kinds that are not known")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("container-changes.json"));
        engine.reply(200, podman_reply("container-changes.json"));
        for (int i = 0; i < 2; ++i) {
            const auto changes = run(Containers(engine).changes("x"));
            REQUIRE(changes.has_value());
            const auto kind_of = [&](std::string_view path) {
                const auto found = std::ranges::find(*changes, path, &FileChange::path);
                REQUIRE(found != changes->end());
                return found->kind;
            };
            CHECK(kind_of("/made") == ChangeKind::added);
            CHECK(kind_of("/tmp") == ChangeKind::modified);
        }
        CHECK(engine.calls[0].method == "GET");
        CHECK(engine.calls[0].target == "/containers/x/changes");
        engine.reply(200, docker_reply("container-changes.none.json"));
        CHECK(run(Containers(engine).changes("x"))->empty());
        engine.reply(200, R"([{"Path":"/a","Kind":2},{"Path":"/b","Kind":7},{"Path":"/c"}])");
        const auto open = run(Containers(engine).changes("x"));
        REQUIRE(open.has_value());
        CHECK((*open)[0].kind == ChangeKind::deleted);
        CHECK(static_cast<int>((*open)[1].kind) == 7);
        CHECK((*open)[2].kind == ChangeKind::modified);
        engine.reply(404, docker_reply("container-changes.404.json"));
        engine.reply(500, podman_reply("container-changes.404.json"));
        for (int i = 0; i < 2; ++i) {
            CHECK(run(Containers(engine).changes("nope")).error().code == Errc::not_found);
        }
    }

    TEST_CASE("export streams a tar, whose end counts")
    {
        const std::string tar = make_tar({{"etc/passwd", "root"}});
        FakeTransport engine;
        engine.reply(200, tar);
        engine.reply(200, tar.substr(0, 1024));
        auto whole = run(Containers(engine).export_files("x"));
        REQUIRE(whole.has_value());
        CHECK(engine.calls[0].kind == "open");
        CHECK(engine.calls[0].target == "/containers/x/export");
        std::string bytes;
        StringSink sink(bytes);
        CHECK(run(copy(**whole, sink)).has_value());
        CHECK(bytes == tar);
        auto cut = run(Containers(engine).export_files("x"));
        REQUIRE(cut.has_value());
        const auto copied = run(copy(**cut, sink));
        REQUIRE(!copied.has_value());
        CHECK(copied.error().code == Errc::truncated);
        CHECK(copied.error().context.back() == "exporting container x");
    }

    TEST_CASE("a list can count bytes and stop early")
    {
        FakeTransport engine;
        engine.reply(200, R"([{"Id":"ab","SizeRw":5,"SizeRootFs":7}])");
        ListContainers options;
        options.sizes = true;
        options.limit = 3;
        const auto list = run(Containers(engine).list(options));
        REQUIRE(list.has_value());
        CHECK(engine.calls[0].target == "/containers/json?size=1&limit=3");
        CHECK(list->front().size_rw == 5);
        CHECK(list->front().size_root_fs == 7);
    }
}

TEST_SUITE("engine.containers.prune")
{
    TEST_CASE("prune tells what it removed; an unknown filter is the engine's to refuse")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("containers-prune.json"));
        engine.reply(200, podman_reply("containers-prune.json"));
        engine.reply(200, R"({"ContainersDeleted":null,"SpaceReclaimed":7})");
        const Filters filters{{"label", {"a=b"}}};
        for (int i = 0; i < 2; ++i) {
            const auto pruned = run(Containers(engine).prune(filters));
            REQUIRE(pruned.has_value());
            CHECK(pruned->removed.size() == 1);
            CHECK(pruned->removed[0].size() == 64);
        }
        CHECK(engine.calls[0].method == "POST");
        CHECK(
            engine.calls[0].target
            == "/containers/prune?filters=%7B%22label%22:%5B%22a%3Db%22%5D%7D"
        );
        CHECK(engine.calls[0].deadline > 10min);
        const Filters everything;
        const auto none = run(Containers(engine).prune(everything));
        REQUIRE(none.has_value());
        CHECK(none->removed.empty());
        CHECK(none->reclaimed_bytes == 7);
        CHECK(engine.calls[2].target == "/containers/prune");
        engine.reply(400, docker_reply("containers-prune.bad.json"));
        engine.reply(500, podman_reply("containers-prune.bad.json"));
        CHECK(run(Containers(engine).prune(filters)).error().code == Errc::invalid_argument);
        CHECK(run(Containers(engine).prune(filters)).error().code == Errc::engine);
        const Filters bad{{"label", {"\xff"}}};
        CHECK(run(Containers(engine).prune(bad)).error().code == Errc::invalid_argument);
        CHECK(engine.calls.size() == 5);
    }
}
