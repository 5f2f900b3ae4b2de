#include "conformance/lab.hpp"

using namespace slipway;
using namespace slipway::test;
using engine::Change;

namespace {

// After a word on stdin: podman has only handed a size on when it answers.
constexpr const char* await_size = R"(echo ready
read go
for i in $(seq 300); do
  size=$(stty size 2>/dev/null)
  case $size in '22 99' | '33 101') break ;; esac
  sleep 0.1
done
echo "$size")";

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
        const bool other = differs(
            lab, &engine::Traits::missing_exec_command_is_126, "gives 126 for a missing command"
        );
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
        if (differs(lab, &engine::Traits::second_exec_start_is_output, "says so in the output")) {
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
            lab.hear(*stream, "begun");
        }
        lab.await_event(id, "exec_die");
        lab.must(lab.archives.stat(id, "/tmp/lived"));
        lab.remove(id);
    }

    TEST_CASE("exec: detached, and on a terminal")
    {
        Lab lab;
        const auto id = lab.idle();
        const auto detached = exec_spec({"sh", "-c", "echo alone > /proc/1/fd/1"});
        lab.must(lab.execs.start_detached(lab.must(lab.execs.create(id, detached))));
        lab.hear(id, "alone"); // podman tells no end of a detached exec, by event or inspect

        auto terminal = exec_spec({"sh", "-c", await_size});
        terminal.tty = true;
        terminal.attach_stdin = true;
        const auto exec = lab.must(lab.execs.create(id, terminal));
        const std::shared_ptr<engine::DuplexStream> stream = lab.must(lab.execs.start(exec, true));
        engine::TerminalSize size;
        size.columns = 99;
        size.rows = 22;
        lab.hear(*stream, "ready"); // before the process runs an engine may take no size
        lab.must(lab.execs.resize(exec, size));
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
        auto spec = with_stdin(lab.spec({"sh", "-c", await_size}));
        spec.tty = true;
        const auto id = lab.create(spec);
        const auto stream = lab.attach(id);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        engine::TerminalSize size;
        size.columns = 101;
        size.rows = 33;
        lab.hear(*stream, "ready");
        lab.must(lab.containers.resize(id, size));
        lab.must(stream->write("go\n"));
        const auto output = lab.read(stream, false);
        CHECK_MESSAGE(contains(output.out, "33 101"), output.out);
        CHECK(lab.exit_code(id) == 0);
        lab.remove(id);
        CHECK(lab.ours().empty());
    }
}
