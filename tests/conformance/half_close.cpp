#include "conformance/lab.hpp"

using namespace slipway;
using namespace slipway::test;
using engine::Change;

// What an engine gives after the client has ended its own direction. Runs over a Unix socket, TCP,
// TLS 1.2 and TLS 1.3 show that the way does not matter.

namespace {

/// Answers only when its stdin has ended, so that an output that came shows both halves at work.
std::vector<std::string> answers_at_the_end()
{
    return {"sh", "-c", "wc -c; sleep 0.5; echo last"};
}

/// What came after the half-close, for as long as the container or exec lasts.
Output after_half_close(Lab& lab, const std::shared_ptr<engine::DuplexStream>& stream, bool framed)
{
    lab.must(stream->write("12345"));
    lab.must(stream->shutdown_write());
    return lab.read(stream, framed);
}

} // namespace

TEST_SUITE("Streams")
{
    TEST_CASE("half-close of an exec")
    {
        Lab lab;
        const auto id = lab.idle();
        auto spec = exec_spec(answers_at_the_end());
        spec.attach_stdin = true;
        const auto exec = lab.must(lab.execs.create(id, spec));
        CHECK(after_half_close(lab, lab.must(lab.execs.start(exec)), true).out == "5\nlast\n");
        CHECK(lab.exec_code(exec) == 0);
        lab.remove(id);
    }

    TEST_CASE("half-close of an attach with StdinOnce")
    {
        Lab lab;
        const auto id = lab.create(with_stdin(lab.spec(answers_at_the_end())));
        const auto stream = lab.attach(id);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        CHECK(after_half_close(lab, stream, true).out == "5\nlast\n");
        CHECK(lab.exit_code(id) == 0);
        lab.remove(id);
    }

    TEST_CASE("half-close of an attach without StdinOnce")
    {
        Lab lab;
        auto spec = with_stdin(lab.spec({"sh", "-c", "read line; sleep 1; echo $line"}));
        spec.stdin_once = false;
        const auto id = lab.create(spec);
        const auto stream = lab.attach(id);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        lab.must(stream->write("line\n"));
        lab.must(stream->shutdown_write());
        const auto output = lab.read(stream);
        const bool cut = lacks(
            lab, &engine::Traits::half_close_keeps_output, "cuts the output at the half-close"
        );
        CHECK(output.out == (cut ? "" : "line\n"));
        CHECK(lab.exit_code(id) == 0);
        CHECK(lab.logs(id).out == "line\n");
        lab.remove(id);
    }

    TEST_CASE("half-close of a terminal, and the byte that ends its stdin")
    {
        Lab lab;
        auto spec = with_stdin(lab.spec({"sh", "-c", "stty -echo; echo ready; cat; echo ended"}));
        spec.tty = true;
        const auto id = lab.create(spec);
        auto stream = lab.attach(id);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        lab.hear(*stream, "ready");
        lab.must(stream->write("\x04"));
        const auto output = lab.read(stream, false).out;
        CHECK_MESSAGE(contains(output, "ended"), output);
        CHECK(lab.exit_code(id) == 0);
        lab.remove(id);

        spec.cmd = {"sh", "-c", "read line; sleep 1; echo got $line"};
        const auto other = lab.create(spec);
        stream = lab.attach(other);
        CHECK(lab.must(lab.containers.start(other)) == Change::done);
        lab.must(stream->write("this\n"));
        lab.must(stream->shutdown_write());
        const auto rest = lab.read(stream, false).out;
        const bool cut = lacks(
            lab, &engine::Traits::half_close_keeps_output, "cuts the output at the half-close"
        );
        CHECK_MESSAGE(contains(rest, "got this") == !cut, rest);
        CHECK(lab.exit_code(other) == 0);
        lab.remove(other);
    }
}
