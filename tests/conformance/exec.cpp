#include "conformance/lab.hpp"

using namespace slipway;
using namespace slipway::test;
using engine::Change;

namespace {

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

} // namespace

TEST_SUITE("Streams")
{
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

    TEST_CASE("exec of a command that is not there")
    {
        Lab lab;
        const auto id = lab.idle();
        const auto missing = exec_spec({"slipway-no-such-command"});
        const auto exec = lab.must(lab.execs.create(id, missing));
        auto started = run(lab.io, lab.execs.start(exec));
        if (started) static_cast<void>(run(lab.io, Lab::collect(*std::move(started), true)));
        const bool other =
            differs(lab.traits().missing_exec_command_is_126, "gives 126 for a missing command");
        CHECK(lab.exec_code(exec) == (other ? 126 : 127));

        const auto no_program = exec_spec({"/etc"});
        const auto denied = lab.must(lab.execs.create(id, no_program));
        auto refused = run(lab.io, lab.execs.start(denied));
        if (refused) static_cast<void>(run(lab.io, Lab::collect(*std::move(refused), true)));
        CHECK(lab.exec_code(denied) >= 125); // podman 5 says 125
        lab.remove(id);
    }

    TEST_CASE("exec in a container that does not run, without a command, and twice")
    {
        Lab lab;
        const auto id = lab.create(lab.spec({"sleep", "600"}));
        const auto spec = exec_spec({"true"});
        CHECK(lab.refused(lab.execs.create(id, spec)).code == Errc::conflict);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        const auto empty = exec_spec({});
        CHECK(lab.refused(lab.execs.create(id, empty)).code == Errc::invalid_argument);
        CHECK(
            lab.refused(lab.execs.create("slipway-no-such-container", spec)).code == Errc::not_found
        );
        const auto exec = lab.must(lab.execs.create(id, spec));
        CHECK(lab.read(lab.must(lab.execs.start(exec))).err.empty());
        CHECK(lab.exec_code(exec) == 0);
        auto again = run(lab.io, lab.execs.start(exec));
        if (differs(lab.traits().second_exec_start_is_output, "says so in the output")) {
            REQUIRE(again.has_value());
            CHECK(contains(lab.read(*std::move(again)).out, "already run"));
        } else {
            REQUIRE(!again.has_value());
            CHECK(again.error().code == Errc::conflict);
        }
        CHECK(lab.refused(lab.execs.inspect("slipway-no-such-exec")).code == Errc::not_found);
        lab.remove(id);
    }

    TEST_CASE("a dropped exec stream leaves the process running")
    {
        Lab lab;
        const auto id = lab.idle();
        const auto spec = exec_spec({"sh", "-c", "echo begun; sleep 1; touch /tmp/lived"});
        {
            const auto stream = lab.must(lab.execs.start(lab.must(lab.execs.create(id, spec))));
            std::string begun(1, ' ');
            lab.must(stream->read(begun));
        }
        wait_until([&] { return run(lab.io, lab.archives.stat(id, "/tmp/lived")).has_value(); });
        lab.remove(id);
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

    TEST_CASE("a terminal has the size it was told")
    {
        Lab lab;
        auto spec = with_stdin(lab.spec({"sh", "-c", "read go; stty size"}));
        spec.tty = true;
        const auto id = lab.create(spec);
        const auto stream = lab.attach(id);
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
}
