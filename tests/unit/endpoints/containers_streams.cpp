#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"

#include <slipway/engine/containers.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;
using namespace std::chrono_literals;

TEST_SUITE("engine.containers.streams")
{
    TEST_CASE("logs send what was asked for, with times to the nanosecond")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("container-logs.bin"));
        engine.reply(200);
        LogOptions options;
        options.follow = true;
        options.timestamps = true;
        options.since =
            std::chrono::sys_time<std::chrono::nanoseconds>(1'700'000'000'000'000'001ns);
        options.until = std::chrono::sys_time<std::chrono::nanoseconds>(1'700'000'001s);
        options.tail = 0;
        auto log = run(Containers(engine).logs("x", options));
        REQUIRE(log.has_value());
        CHECK(engine.calls[0].kind == "open");
        CHECK(engine.calls[0].method == "GET");
        CHECK(
            engine.calls[0].target
            == "/containers/x/logs?stdout=1&stderr=1&follow=1&timestamps=1"
               "&since=1700000000.000000001&until=1700000001.000000000&tail=0"
        );
        std::string bytes;
        StringSink sink(bytes);
        REQUIRE(run(copy(**log, sink)).has_value());
        CHECK(bytes == docker_reply("container-logs.bin"));
        LogOptions only_err;
        only_err.out = false;
        REQUIRE(run(Containers(engine).logs("x", only_err)).has_value());
        CHECK(engine.calls[1].target == "/containers/x/logs?stderr=1");
        LogOptions none;
        none.out = false;
        none.err = false;
        const auto refused = run(Containers(engine).logs("x", none));
        REQUIRE(!refused.has_value());
        CHECK(refused.error().code == Errc::invalid_argument);
        CHECK(engine.calls.size() == 2);
    }

    TEST_CASE("details of a log are asked for where the engine has them")
    {
        FakeTransport engine;
        engine.reply(200);
        LogOptions options;
        options.details = true;
        REQUIRE(run(Containers(engine).logs("x", options)).has_value());
        CHECK(engine.calls[0].target == "/containers/x/logs?stdout=1&stderr=1&details=1");
        engine.known = FakeTransport::podman();
        const auto none = run(Containers(engine).logs("x", options));
        REQUIRE(!none.has_value());
        CHECK(none.error().code == Errc::unsupported);
        CHECK(none.error().context.back() == "reading the log of container x");
        CHECK(engine.calls.size() == 1);
    }

    TEST_CASE("attach upgrades and streams, and never asks for old output")
    {
        FakeTransport engine;
        engine.stream(101, {"raw"});
        AttachOptions options;
        options.in = true;
        options.detach_keys = "ctrl-p,ctrl-q";
        auto stream = run(Containers(engine).attach("x", options));
        REQUIRE(stream.has_value());
        CHECK(engine.calls[0].kind == "upgrade");
        CHECK(engine.calls[0].method == "POST");
        CHECK(
            engine.calls[0].target
            == "/containers/x/attach?stream=1&stdin=1&stdout=1&stderr=1&detachKeys=ctrl-p,ctrl-q"
        );
        REQUIRE(run((*stream)->write("in")).has_value());
        REQUIRE(run((*stream)->shutdown_write()).has_value());
        CHECK(engine.witness->written == "in");
        CHECK(engine.witness->write_shut);
    }
}

TEST_SUITE("engine.containers.wait")
{
    TEST_CASE("each condition is sent, and recorded answers of both engines are read")
    {
        const std::pair<WaitCondition, const char*> table[] = {
            {WaitCondition::not_running, "not-running"},
            {WaitCondition::next_exit, "next-exit"},
            {WaitCondition::removed, "removed"}};
        for (const auto& [condition, text] : table) {
            for (const std::string& body :
                 {docker_reply("container-wait.json"), podman_reply("container-wait.json")}) {
                FakeTransport engine;
                engine.max_read = 1;
                engine.reply(200, body);
                auto wait = run(Containers(engine).wait("x", condition));
                REQUIRE(wait.has_value());
                CHECK(engine.calls[0].kind == "open");
                CHECK(engine.calls[0].method == "POST");
                CHECK(!engine.calls[0].deadline.has_value());
                CHECK(
                    engine.calls[0].target == std::string("/containers/x/wait?condition=") + text
                );
                const auto status = run(wait->result());
                REQUIRE(status.has_value());
                CHECK(status->code == 137);
                CHECK(status->removal_error.empty());
            }
        }
    }

    TEST_CASE("an absent error, a removal that failed, and podman's -1")
    {
        const auto result_of = [](std::string body) {
            FakeTransport engine;
            engine.reply(200, std::move(body));
            auto wait = run(Containers(engine).wait("x"));
            REQUIRE(wait.has_value());
            return run(wait->result());
        };
        CHECK(result_of(R"({"StatusCode":3})")->code == 3);
        CHECK(result_of(R"({"StatusCode":-1,"Error":null})")->code == -1);
        const auto removal = result_of(R"({"StatusCode":0,"Error":{"Message":"busy"}})");
        CHECK(removal->removal_error == "busy");
        const auto proxy = result_of("upstream connect error\n\nor disconnect");
        REQUIRE(!proxy.has_value());
        CHECK(proxy.error().code == Errc::protocol);
        CHECK(
            describe(proxy.error())
            == "waiting for container x: no exit status but: upstream connect error or disconnect"
        );
        for (const char* body : {"{}", R"({"StatusCode":null})", R"({"StatusCode":"0"})", "[]"}) {
            const auto wrong = result_of(body);
            REQUIRE(!wrong.has_value());
            CHECK(wrong.error().code == Errc::protocol);
        }
        const auto long_text = result_of(std::string(100'000, 'x'));
        REQUIRE(!long_text.has_value());
        CHECK(long_text.error().message.size() < 3000);
        for (const char* body : {"", " \r\n"}) {
            const auto gone = result_of(body);
            REQUIRE(!gone.has_value());
            CHECK(gone.error().code == Errc::truncated);
        }
    }

    TEST_CASE("a connection that breaks is what the transport calls it")
    {
        FakeTransport engine;
        engine.stream(200, {"{\"Sta"}, {}, Error(Errc::io, "reset"));
        auto wait = run(Containers(engine).wait("x"));
        REQUIRE(wait.has_value());
        const auto status = run(wait->result());
        REQUIRE(!status.has_value());
        CHECK(describe(status.error()) == "waiting for container x: reset");
    }

    TEST_CASE("a refused wait is an error at once, a dropped one lets go of its connection")
    {
        FakeTransport engine;
        engine.reply(404, docker_reply("container-wait.404.json"));
        engine.known = FakeTransport::podman();
        engine.reply(400, podman_reply("container-wait.bad.json"));
        engine.reply(200);
        const auto absent = run(Containers(engine).wait("x"));
        REQUIRE(!absent.has_value());
        CHECK(absent.error().code == Errc::not_found);
        const auto bad = run(Containers(engine).wait("x"));
        REQUIRE(!bad.has_value());
        CHECK(bad.error().code == Errc::invalid_argument);
        {
            const auto wait = run(Containers(engine).wait("x"));
            REQUIRE(wait.has_value());
            CHECK(!engine.witness->closed);
        }
        CHECK(engine.witness->closed);
        Wait nothing;
        nothing.close();
        const auto none = run(nothing.result());
        REQUIRE(!none.has_value());
        CHECK(none.error().code == Errc::internal);
    }
}
