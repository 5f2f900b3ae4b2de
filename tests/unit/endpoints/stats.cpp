#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"

#include <slipway/engine/containers.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;
using namespace std::chrono_literals;

TEST_SUITE("engine.stats")
{
    TEST_CASE("recorded readings of both engines")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("container-stats.json"));
        engine.reply(200, podman_reply("container-stats.json"));
        const auto docker = run(Containers(engine).stats("x"));
        const auto podman = run(Containers(engine).stats("x", StatsSample::pair));
        CHECK(engine.calls[0].kind == "send");
        CHECK(engine.calls[0].method == "GET");
        CHECK(engine.calls[0].target == "/containers/x/stats?stream=0&one-shot=1");
        CHECK(engine.calls[1].target == "/containers/x/stats?stream=0");
        REQUIRE(docker.has_value());
        CHECK(docker->id.size() == 64);
        CHECK(docker->name == "slipway-rec");
        CHECK(docker->read_at.has_value());
        CHECK(!docker->previous_at.has_value());
        CHECK(docker->cpu.total > 0);
        CHECK(docker->cpu.total >= docker->cpu.kernel);
        CHECK(docker->cpu.per_cpu.size() == 2);
        CHECK(docker->cpu.online_cpus == 2);
        CHECK(docker->cpu.system > docker->cpu.total);
        CHECK(docker->memory.usage > 0);
        CHECK(docker->memory.limit > docker->memory.usage);
        CHECK(docker->memory.details.contains("total_inactive_file"));
        CHECK(memory_in_use(*docker) <= docker->memory.usage);
        CHECK(docker->pids == 1);
        CHECK(docker->networks.contains("eth0"));
        CHECK(!cpu_percent(*docker).has_value());
        REQUIRE(podman.has_value());
        CHECK(podman->id.size() == 64);
        CHECK(podman->name == "slipway-rec");
        CHECK(podman->pids == 1);
        CHECK(podman->networks.size() == 1);
        CHECK(memory_in_use(*podman) == podman->memory.usage);
    }

    TEST_CASE("a container that does not run is a conflict on both engines")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("container-stats.stopped.json"));
        engine.reply(200, podman_reply("container-stats.stopped.json"));
        for (int i = 0; i < 2; ++i) {
            const auto stats = run(Containers(engine).stats("x"));
            REQUIRE(!stats.has_value());
            CHECK(stats.error().code == Errc::conflict);
            CHECK(
                describe(stats.error())
                == "asking what is used by container x: the container does not run"
            );
            CHECK(stats.error().answer->status == 200);
        }
    }

    TEST_CASE("percent of the processor, and memory without what can be dropped")
    {
        ContainerStats stats;
        CHECK(!cpu_percent(stats).has_value());
        stats.previous_at = ContainerStats::Time(1s);
        stats.previous_cpu.total = 100;
        stats.previous_cpu.system = 1000;
        stats.cpu.total = 200;
        stats.cpu.system = 1400;
        stats.cpu.online_cpus = 2;
        CHECK(cpu_percent(stats) == doctest::Approx(50.0));
        stats.cpu.online_cpus = 0;
        stats.cpu.per_cpu = {1, 2, 3, 4};
        CHECK(cpu_percent(stats) == doctest::Approx(100.0));
        stats.cpu.per_cpu.clear();
        CHECK(cpu_percent(stats) == doctest::Approx(25.0));
        stats.cpu.system = 1000;
        CHECK(!cpu_percent(stats).has_value());
        stats.cpu.system = 1400;
        stats.cpu.total = 99; // restarted in between
        CHECK(!cpu_percent(stats).has_value());

        stats.memory.usage = 100;
        CHECK(memory_in_use(stats) == 100);
        stats.memory.details = {{"inactive_file", 30}};
        CHECK(memory_in_use(stats) == 70);
        stats.memory.details["total_inactive_file"] = 40;
        CHECK(memory_in_use(stats) == 60);
        stats.memory.details["total_inactive_file"] = 400;
        CHECK(memory_in_use(stats) == 0);
    }

    TEST_CASE("numbers of 64 bits without a sign are kept")
    {
        FakeTransport engine;
        engine.reply(
            200,
            R"({"read":"2026-11-22T15:38:45Z","memory_stats":{"limit":18446744073709551615},)"
            R"("pids_stats":{"limit":18446744073709551615},"blkio_stats":{)"
            R"("io_service_bytes_recursive":[{"major":8,"minor":0,"op":"Read","value":5}]}})"
        );
        const auto stats = run(Containers(engine).stats("x"));
        REQUIRE(stats.has_value());
        CHECK(stats->memory.limit == 18446744073709551615U);
        CHECK(stats->pids_limit == 18446744073709551615U);
        REQUIRE(stats->block_bytes.size() == 1);
        CHECK(stats->block_bytes[0].operation == "Read");
        CHECK(stats->block_bytes[0].value == 5);
    }

    TEST_CASE("a stream gives reading after reading, and ends")
    {
        const std::string running = docker_reply("container-stats.json");
        const std::string stopped = docker_reply("container-stats.stopped.json");
        FakeTransport engine;
        engine.max_read = 100;
        engine.reply(200, running + stopped + running);
        auto stream = run(Containers(engine).watch_stats("x"));
        REQUIRE(stream.has_value());
        CHECK(engine.calls[0].kind == "open");
        CHECK(engine.calls[0].target == "/containers/x/stats");
        for (const bool runs : {true, false, true}) {
            const auto stats = run(stream->next());
            REQUIRE(stats.has_value());
            REQUIRE(stats->has_value());
            CHECK((*stats)->read_at.has_value() == runs);
        }
        CHECK(!run(stream->next())->has_value());
        CHECK(!run(stream->next())->has_value());
    }

    TEST_CASE("a stream that is cut or wrong is an error, which is final")
    {
        const std::pair<std::string, Errc> table[] = {
            {docker_reply("container-stats.json").substr(0, 500), Errc::truncated},
            {"[]", Errc::protocol},
            {R"({"read":5})", Errc::protocol},
            {R"({"id":"x"})", Errc::protocol}};
        for (const auto& [body, code] : table) {
            FakeTransport engine;
            engine.reply(200, body);
            auto stream = run(Containers(engine).watch_stats("x"));
            REQUIRE(stream.has_value());
            for (int i = 0; i < 2; ++i) {
                const auto stats = run(stream->next());
                REQUIRE(!stats.has_value());
                CHECK(stats.error().code == code);
                CHECK(stats.error().context.back() == "watching what is used by container x");
            }
            CHECK(engine.witness->closed);
        }
        StatsStream nothing;
        CHECK(run(nothing.next()).error().code == Errc::internal);
        nothing.close();
    }
}
