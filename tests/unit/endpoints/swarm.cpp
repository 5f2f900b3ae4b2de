#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"

#include <slipway/engine/swarm.hpp>
#include <slipway/engine/tasks.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

TEST_SUITE("engine.swarm")
{
    TEST_CASE("init sends the addresses and returns the node")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("swarm-init.json"));
        engine.reply(200, docker_reply("swarm-init.json"));
        const SwarmInit bare;
        const auto node = run(Swarm(engine).init(bare));
        REQUIRE(node.has_value());
        CHECK(node->size() == 25);
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/swarm/init");
        CHECK(engine.calls[0].body == R"({"ListenAddr":"0.0.0.0:2377"})");
        SwarmInit options;
        options.listen_address = "127.0.0.1:2377";
        options.advertise_address = "127.0.0.1";
        options.force_new_cluster = true;
        CHECK(run(Swarm(engine).init(options)).has_value());
        CHECK(
            engine.calls[1].body
            == R"({"ListenAddr":"127.0.0.1:2377","AdvertiseAddr":"127.0.0.1","ForceNewCluster":true})"
        );
    }

    TEST_CASE("inspect")
    {
        FakeTransport engine;
        engine.reply(
            200,
            R"({"ID":"izewoh138mye2k5tmuojkc3xr","Version":{"Index":10},)"
            R"("CreatedAt":"2026-11-22T17:43:26.602408728Z","UpdatedAt":"2026-11-22T17:43:27Z",)"
            R"("Spec":{"Name":"default","Labels":{}},"JoinTokens":{"Worker":"w","Manager":"m"}})"
        );
        engine.reply(200, R"({"ID":"x","Version":{"Index":-1}})");
        const auto swarm = run(Swarm(engine).inspect());
        REQUIRE(swarm.has_value());
        CHECK(engine.calls[0].method == "GET");
        CHECK(engine.calls[0].target == "/swarm");
        CHECK(swarm->id == "izewoh138mye2k5tmuojkc3xr");
        CHECK(swarm->version == 10);
        CHECK(swarm->name == "default");
        CHECK(swarm->created_at.starts_with("2026-11-22"));
        CHECK(swarm->updated_at.starts_with("2026-11-22"));
        const auto wrong = run(Swarm(engine).inspect());
        REQUIRE(!wrong.has_value());
        CHECK(
            wrong.error().message
            == "the engine's reply: $.Version.Index is not a natural number in range"
        );
    }

    TEST_CASE("leave, and every wrong state as a conflict")
    {
        FakeTransport engine;
        engine.reply(200);
        engine.reply(200);
        CHECK(run(Swarm(engine).leave()).has_value());
        CHECK(run(Swarm(engine).leave(true)).has_value());
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/swarm/leave");
        CHECK(engine.calls[1].target == "/swarm/leave?force=1");
        engine.reply(503, docker_reply("swarm-leave.manager.json"));
        engine.reply(503, docker_reply("swarm-leave.none.json"));
        for (int i = 0; i < 2; ++i) {
            const auto refused = run(Swarm(engine).leave());
            REQUIRE(!refused.has_value());
            CHECK(refused.error().code == Errc::conflict);
            CHECK(refused.error().context.back() == "leaving the swarm");
        }
        engine.reply(503, docker_reply("swarm-init.again.json"));
        const SwarmInit options;
        CHECK(run(Swarm(engine).init(options)).error().code == Errc::conflict);
        engine.reply(503, docker_reply("swarm.refused.json"));
        engine.reply(404, podman_reply("swarm.refused.json"));
        CHECK(run(Swarm(engine).inspect()).error().code == Errc::conflict);
        CHECK(run(Swarm(engine).inspect()).error().code == Errc::unsupported);
    }
}

TEST_SUITE("engine.tasks")
{
    TEST_CASE("recorded tasks of a job")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("tasks-list.json"));
        engine.reply(200, docker_reply("task-inspect.json"));
        const Filters filters{{"service", {"slipway-rec-job"}}};
        const auto list = run(Tasks(engine).list(filters));
        REQUIRE(list.has_value());
        CHECK(
            engine.calls[0].target
            == "/tasks?filters=%7B%22service%22:%5B%22slipway-rec-job%22%5D%7D"
        );
        CHECK(list->size() == 3);
        for (const TaskInfo& task : *list) {
            CHECK(task.state == "complete");
            CHECK(ended(task));
            CHECK(task.desired_state == "complete");
            CHECK(task.message == "finished");
            CHECK(task.error.empty());
            CHECK(task.job_iteration == 0);
            REQUIRE(task.container.has_value());
            CHECK(task.container->id.size() == 64);
            CHECK(task.container->exit_code == 0);
        }
        const auto task = run(Tasks(engine).inspect("nmlnyqv0mg0jyi5lkus76qo2c"));
        REQUIRE(task.has_value());
        CHECK(engine.calls[1].method == "GET");
        CHECK(engine.calls[1].target == "/tasks/nmlnyqv0mg0jyi5lkus76qo2c");
        CHECK(task->id == "nmlnyqv0mg0jyi5lkus76qo2c");
        CHECK(task->version > 0);
        CHECK(task->service_id.size() == 25);
        CHECK(task->node_id.size() == 25);
        CHECK(!task->since.empty());
    }

    TEST_CASE("a task that failed, one that waits, and states of the future [fault 40]")
    {
        FakeTransport engine;
        engine.reply(
            200,
            R"x([{"ID":"a","Slot":2,"Status":{"State":"failed","Err":"task: non-zero exit (3)",)x"
            R"("ContainerStatus":{"ContainerID":"c","PID":0,"ExitCode":3}},)"
            R"("JobIteration":{"Index":1}},{"ID":"b","Status":{"State":"pending"},)"
            R"("NodeID":null},{"ID":"c","Status":{"State":"floating"}}])"
        );
        const Filters everything;
        const auto list = run(Tasks(engine).list(everything));
        REQUIRE(list.has_value());
        CHECK(engine.calls[0].target == "/tasks");
        CHECK((*list)[0].container->exit_code == 3);
        CHECK((*list)[0].error == "task: non-zero exit (3)");
        CHECK((*list)[0].slot == 2);
        CHECK((*list)[0].job_iteration == 1);
        CHECK(ended((*list)[0]));
        CHECK(!(*list)[1].container.has_value());
        CHECK(!(*list)[1].job_iteration.has_value());
        CHECK(!ended((*list)[1]));
        CHECK((*list)[2].state == "floating");
        CHECK(!ended((*list)[2]));
    }

    TEST_CASE("a task that is not there, and its log")
    {
        FakeTransport engine;
        engine.reply(404, docker_reply("task-inspect.404.json"));
        engine.reply(404, docker_reply("task-inspect.404.json"));
        engine.reply(200);
        CHECK(run(Tasks(engine).inspect("nope")).error().code == Errc::not_found);
        const LogOptions options;
        const auto absent = run(Tasks(engine).logs("nope", options));
        REQUIRE(!absent.has_value());
        CHECK(absent.error().code == Errc::not_found);
        CHECK(absent.error().context.back() == "reading the log of task nope");
        CHECK(run(Tasks(engine).logs("x", options)).has_value());
        CHECK(engine.calls[2].kind == "open");
        CHECK(engine.calls[2].target == "/tasks/x/logs?stdout=1&stderr=1");
        const Filters bad{{"service", {"\xff"}}};
        CHECK(run(Tasks(engine).list(bad)).error().code == Errc::invalid_argument);
        CHECK(run(Tasks(engine).inspect("")).error().code == Errc::invalid_argument);
        CHECK(engine.calls.size() == 3);
    }
}
