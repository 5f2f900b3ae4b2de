#include "integration/engine/lab.hpp"

using namespace slipway;
using namespace slipway::test;
using engine::Change;

namespace {

engine::ContainerSpec with_stdin(engine::ContainerSpec spec)
{
    spec.open_stdin = true;
    spec.stdin_once = true;
    spec.attach_stdin = true;
    spec.attach_stdout = true;
    spec.attach_stderr = true;
    return spec;
}

std::shared_ptr<engine::DuplexStream> attach(Lab& lab, const std::string& id)
{
    engine::AttachOptions options;
    options.in = true;
    return lab.must(lab.containers.attach(id, options));
}

// The size reaches a terminal a moment after the start: tries until it is taken.
template <class Resize>
void resize_soon(Resize resize)
{
    for (int i = 0; i < 100; ++i) {
        if (resize()) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    FAIL("the terminal takes no size");
}

engine::ExecSpec exec_spec(std::vector<std::string> cmd)
{
    engine::ExecSpec spec;
    spec.cmd = std::move(cmd);
    return spec;
}

} // namespace

TEST_SUITE("engine.streams")
{
    TEST_CASE("stdin of every size comes back from cat, and its end is seen")
    {
        Lab lab;
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{10} << 20U}) {
            CAPTURE(size);
            const auto id = lab.create(with_stdin(lab.spec({"sh", "-c", "cat; echo done >&2"})));
            const auto stream = attach(lab, id);
            CHECK(lab.must(lab.containers.start(id)) == Change::done);
            const auto input = pattern(size);
            const auto output = lab.talk(stream, input);
            CHECK(output.out.size() == size);
            CHECK((output.out == input));
            CHECK(output.err == "done\n");
            CHECK(lab.exit_code(id) == 0);
            lab.remove(id);
        }
        CHECK(lab.ours().empty());
    }

    TEST_CASE("stdin that nobody reads holds up nothing")
    {
        Lab lab;
        const auto id = lab.create(with_stdin(lab.spec({"sh", "-c", "echo out; exit 3"})));
        const auto stream = attach(lab, id);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        const auto output =
            run(lab.io, Lab::converse(stream, pattern(std::size_t{10} << 20U), true));
        // Podman may reset the connection under the unread bytes.
        const bool reset = !output && lab.podman() && output.error().code == Errc::io;
        if (!reset) {
            REQUIRE_MESSAGE(output.has_value(), describe(output.error()));
            CHECK(output->out == "out\n");
        }
        CHECK(lab.exit_code(id) == 3);
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("interleaved outputs are told apart")
    {
        Lab lab;
        const auto id = lab.create(with_stdin(lab.spec(
            {"sh",
             "-c",
             "read go; i=0; while [ $i -lt 500 ]; do echo out$i; echo err$i >&2; i=$((i+1)); done"}
        )));
        const auto stream = attach(lab, id);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        const auto output = lab.talk(stream, "go\n");
        std::string out;
        std::string err;
        for (int i = 0; i < 500; ++i) {
            out += "out" + std::to_string(i) + "\n";
            err += "err" + std::to_string(i) + "\n";
        }
        CHECK(output.out == out);
        CHECK(output.err == err);
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("a terminal has the size it was told")
    {
        Lab lab;
        auto spec = with_stdin(lab.spec({"sh", "-c", "read go; stty size"}));
        spec.tty = true;
        const auto id = lab.create(spec);
        const auto stream = attach(lab, id);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        engine::TerminalSize size;
        size.columns = 101;
        size.rows = 33;
        resize_soon([&] { return run(lab.io, lab.containers.resize(id, size)).has_value(); });
        lab.must(stream->write("go\n"));
        const auto output = lab.read(stream, false);
        CHECK_MESSAGE(contains(output.out, "33 101"), output.out);
        CHECK(lab.exit_code(id) == 0);
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("exec: output, exit code, environment, directory")
    {
        Lab lab;
        const auto id = lab.idle();
        auto spec = exec_spec({"sh", "-c", "echo $A; pwd; echo err >&2; exit 7"});
        spec.env = {"A=b c"};
        spec.working_dir = "/tmp";
        const auto exec = lab.must(lab.execs.create(id, spec));
        const auto output = lab.read(lab.must(lab.execs.start(exec)));
        CHECK(output.out == "b c\n/tmp\n");
        CHECK(output.err == "err\n");
        CHECK(lab.exec_code(exec) == 7);

        const auto missing = exec_spec({"slipway-no-such-command"});
        const auto none = lab.must(lab.execs.create(id, missing));
        auto started = run(lab.io, lab.execs.start(none));
        if (started) static_cast<void>(run(lab.io, Lab::collect(*std::move(started), true)));
        const auto code = lab.exec_code(none);
        CHECK_MESSAGE((code == 126 || code == 127), code);
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("exec: stdin and its end")
    {
        Lab lab;
        const auto id = lab.idle();
        auto spec = exec_spec({"sh", "-c", "cat; echo done >&2"});
        spec.attach_stdin = true;
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{10} << 20U}) {
            CAPTURE(size);
            const auto exec = lab.must(lab.execs.create(id, spec));
            const auto input = pattern(size);
            const auto output = lab.talk(lab.must(lab.execs.start(exec)), input);
            CHECK((output.out == input));
            CHECK(output.err == "done\n");
            CHECK(lab.exec_code(exec) == 0);
        }
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("exec: detached, and on a terminal")
    {
        Lab lab;
        const auto id = lab.idle();
        const auto detached = exec_spec({"sh", "-c", "echo yes > /tmp/detached"});
        lab.must(lab.execs.start_detached(lab.must(lab.execs.create(id, detached))));
        for (int i = 0; !run(lab.io, lab.archives.stat(id, "/tmp/detached")); ++i) {
            REQUIRE(i < 500);
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }

        auto terminal = exec_spec({"sh", "-c", "read go; stty size"});
        terminal.tty = true;
        terminal.attach_stdin = true;
        const auto exec = lab.must(lab.execs.create(id, terminal));
        const std::shared_ptr<engine::DuplexStream> stream = lab.must(lab.execs.start(exec, true));
        engine::TerminalSize size;
        size.columns = 99;
        size.rows = 22;
        resize_soon([&] { return run(lab.io, lab.execs.resize(exec, size)).has_value(); });
        lab.must(stream->write("go\n"));
        const auto output = lab.read(stream, false);
        CHECK_MESSAGE(contains(output.out, "22 99"), output.out);
        CHECK(lab.exec_code(exec) == 0);
        lab.remove(id);
        CHECK(lab.ours().empty());
    }
}
