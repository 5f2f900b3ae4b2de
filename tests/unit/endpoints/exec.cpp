#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"

#include <slipway/engine/exec.hpp>
#include <slipway/engine/frames.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

namespace {

ExecInspect inspected(const std::string& body)
{
    FakeTransport engine;
    engine.reply(200, body);
    auto exec = run(Execs(engine).inspect("e"));
    REQUIRE(exec.has_value());
    return *std::move(exec);
}

} // namespace

TEST_SUITE("engine.exec.create")
{
    TEST_CASE("the body has what was asked for, and the id comes back")
    {
        FakeTransport engine;
        engine.reply(201, docker_reply("exec-create.201.json"));
        engine.reply(201, podman_reply("exec-create.201.json"));
        ExecSpec spec;
        spec.cmd = {"sh", "-c", "true"};
        const auto bare = run(Execs(engine).create("box", spec));
        REQUIRE(bare.has_value());
        CHECK(bare->size() == 64);
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/containers/box/exec");
        CHECK(
            engine.calls[0].body
            == R"({"Cmd":["sh","-c","true"],"AttachStdout":true,"AttachStderr":true})"
        );
        spec.env = {"A=b"};
        spec.working_dir = "/w";
        spec.user = "0";
        spec.tty = true;
        spec.attach_stdin = true;
        spec.attach_stdout = false;
        spec.privileged = true;
        spec.detach_keys = "ctrl-x";
        REQUIRE(run(Execs(engine).create("box", spec)).has_value());
        CHECK(
            engine.calls[1].body
            == R"({"Cmd":["sh","-c","true"],"Env":["A=b"],"WorkingDir":"/w","User":"0",)"
               R"("Tty":true,"AttachStdin":true,"AttachStderr":true,"Privileged":true,)"
               R"("DetachKeys":"ctrl-x"})"
        );
    }

    TEST_CASE("the size of the terminal goes along from API 1.42 on")
    {
        ExecSpec spec;
        spec.cmd = {"sh"};
        spec.tty = true;
        spec.console = TerminalSize{120, 40};
        for (const int minor : {41, 42}) {
            FakeTransport engine;
            engine.known.api.minor = minor;
            engine.reply(201, R"({"Id":"e"})");
            REQUIRE(run(Execs(engine).create("box", spec)).has_value());
            const bool sent =
                engine.calls[0].body.find(R"("ConsoleSize":[40,120])") != std::string::npos;
            CHECK(sent == (minor >= 42));
        }
    }

    TEST_CASE("no command is refused here, and what the engines refuse has a code")
    {
        FakeTransport engine;
        ExecSpec spec;
        const auto none = run(Execs(engine).create("box", spec));
        REQUIRE(!none.has_value());
        CHECK(none.error().code == Errc::invalid_argument);
        CHECK(engine.calls.empty());
        spec.cmd = {"true"};
        engine.reply(409, docker_reply("exec-create.stopped.json"));
        engine.reply(500, podman_reply("exec-create.stopped.json"));
        const auto docker = run(Execs(engine).create("box", spec));
        engine.known = FakeTransport::podman();
        const auto podman = run(Execs(engine).create("box", spec));
        REQUIRE(!docker.has_value());
        REQUIRE(!podman.has_value());
        CHECK(docker.error().code == Errc::conflict);
        CHECK(podman.error().code == Errc::conflict);
    }
}

TEST_SUITE("engine.exec.start")
{
    TEST_CASE("it always has a body, which podman insists on, and both 101 and 200 are fine")
    {
        FakeTransport engine;
        engine.max_read = 1;
        for (const int status : {101, 200}) {
            engine.reply(status, docker_reply("exec-start.bin"));
            auto stream = run(Execs(engine).start("e"));
            REQUIRE(stream.has_value());
            std::string out;
            std::string err;
            StringSink to_out(out);
            StringSink to_err(err);
            REQUIRE(run(demultiplex(**stream, to_out, to_err)).has_value());
            CHECK(out == "hi\n");
            CHECK(err == "no\n");
        }
        CHECK(engine.calls[0].kind == "upgrade");
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/exec/e/start");
        CHECK(engine.calls[0].body == R"({"Detach":false,"Tty":false})");
        CHECK(engine.calls[0].headers.get("content-type") == "application/json");
        engine.reply(101);
        REQUIRE(run(Execs(engine).start("e", true)).has_value());
        CHECK(engine.calls[2].body == R"({"Detach":false,"Tty":true})");
    }

    TEST_CASE("a second start is output on dockerd and a conflict on podman")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("exec-start.again.bin"));
        engine.reply(500, podman_reply("exec-start.again.bin"));
        CHECK(run(Execs(engine).start("e")).has_value());
        engine.known = FakeTransport::podman();
        const auto again = run(Execs(engine).start("e"));
        REQUIRE(!again.has_value());
        CHECK(again.error().code == Errc::conflict);
        CHECK(again.error().context.back() == "starting exec e");
    }

    TEST_CASE("detached, the answer is empty on dockerd and a line end on podman")
    {
        FakeTransport engine;
        engine.reply(200, "");
        engine.reply(200, podman_reply("exec-start.detached.bin"));
        CHECK(run(Execs(engine).start_detached("e")).has_value());
        CHECK(run(Execs(engine).start_detached("e")).has_value());
        CHECK(engine.calls[0].kind == "send");
        CHECK(engine.calls[0].body == R"({"Detach":true,"Tty":false})");
    }
}

TEST_SUITE("engine.exec.inspect")
{
    TEST_CASE("recorded replies of both engines at each stage")
    {
        const ExecInspect docker_created = inspected(docker_reply("exec-inspect.created.json"));
        CHECK(!docker_created.running);
        CHECK(!docker_created.exit_code.has_value());
        const ExecInspect docker_running = inspected(docker_reply("exec-inspect.running.json"));
        CHECK(docker_running.running);
        CHECK(docker_running.pid > 0);
        const ExecInspect docker_ended = inspected(docker_reply("exec-inspect.ended.json"));
        CHECK(!docker_ended.running);
        CHECK(docker_ended.exit_code == 7);
        CHECK(docker_ended.container_id.size() == 64);
        CHECK(docker_ended.id.size() == 64);

        const ExecInspect podman_running = inspected(podman_reply("exec-inspect.running.json"));
        CHECK(podman_running.running);
        CHECK(podman_running.exit_code == 0);
        const ExecInspect podman_ended = inspected(podman_reply("exec-inspect.ended.json"));
        CHECK(!podman_ended.running);
        CHECK(podman_ended.exit_code == 7);
    }

    TEST_CASE("finished needs the end, and on dockerd a code as well")
    {
        const Traits docker;
        const Traits podman = FakeTransport::podman();
        CHECK(!finished(inspected(docker_reply("exec-inspect.created.json")), docker));
        CHECK(!finished(inspected(docker_reply("exec-inspect.running.json")), docker));
        CHECK(finished(inspected(docker_reply("exec-inspect.ended.json")), docker));
        CHECK(!finished(inspected(podman_reply("exec-inspect.running.json")), podman));
        CHECK(finished(inspected(podman_reply("exec-inspect.ended.json")), podman));
        const ExecInspect no_code = inspected(R"({"ID":"e","Running":false})");
        CHECK(!finished(no_code, docker));
        CHECK(finished(no_code, podman));
    }

    TEST_CASE("the terminal flag is where the engines put it")
    {
        CHECK(inspected(R"({"ID":"e","ProcessConfig":{"tty":true}})").tty);
        CHECK(!inspected(R"({"ID":"e","ProcessConfig":null})").tty);
    }

    TEST_CASE("an exec that is forgotten is not found")
    {
        FakeTransport engine;
        engine.reply(404, docker_reply("exec-inspect.404.json"));
        const std::string id = "0123456789ab" + std::string(52, 'c');
        const auto exec = run(Execs(engine).inspect(id));
        REQUIRE(!exec.has_value());
        CHECK(exec.error().code == Errc::not_found);
        CHECK(exec.error().context.back() == "inspecting exec 0123456789ab");
        CHECK(engine.calls[0].target == "/exec/" + id + "/json");
    }

    TEST_CASE("resize takes dockerd's 200 and podman's 201")
    {
        FakeTransport engine;
        engine.reply(200);
        engine.reply(201);
        const TerminalSize size{80, 24};
        CHECK(run(Execs(engine).resize("e", size)).has_value());
        CHECK(run(Execs(engine).resize("e", size)).has_value());
        CHECK(engine.calls[0].target == "/exec/e/resize?h=24&w=80");
    }
}
