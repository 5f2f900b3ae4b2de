#include "printer.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>

using namespace slipway;
using namespace std::chrono_literals;
using cli::MemoryOutput;
using cli::Printer;

namespace {

/// A printer on a terminal of 20 columns whose time stands still.
struct Terminal {
    MemoryOutput out;
    MemoryOutput err;
    Printer::Clock::time_point time{};
    Printer printer{out, err, settings()};

    Printer::Settings settings()
    {
        Printer::Settings all;
        all.overwrites = true;
        all.columns = [] { return std::size_t{20}; };
        all.now = [this] { return time; };
        return all;
    }
    std::string taken()
    {
        std::string text;
        text.swap(err.text);
        return text;
    }
};

} // namespace

TEST_SUITE("cli.printer")
{
    TEST_CASE("data goes to stdout as it is, all else to stderr")
    {
        MemoryOutput out;
        MemoryOutput err;
        Printer printer(out, err, {});
        printer.data("a\tb");
        printer.status("Building", "x");
        printer.warning("w");
        printer.step("[1/2] FROM x");
        printer.progress("not shown without a terminal");
        CHECK(out.text == "a\tb");
        CHECK(err.text == "  Building x\nwarning: w\n[1/2] FROM x\n");
    }

    TEST_CASE("an error is one line of causes, its further lines below, then the hint")
    {
        MemoryOutput out;
        MemoryOutput err;
        Printer printer(out, err, {});
        Error error(Errc::engine, "it broke\nin two ways\n");
        error.context = {"inner", "outer"};
        error.hint = "mend it";
        printer.error(error);
        CHECK(err.text == "error: outer: inner: it broke\n  in two ways\n\nhint: mend it\n");
        CHECK(out.text.empty());
    }

    TEST_CASE("what an engine says cannot steer the terminal")
    {
        MemoryOutput out;
        MemoryOutput err;
        Printer printer(out, err, {});
        printer.error("a\x1b[2Jb\x1b]0;title\x07"
                      "c\x07\rd");
        CHECK(err.text == "error: d\n");
    }

    TEST_CASE("--verbose adds what was asked of the engine")
    {
        MemoryOutput out;
        MemoryOutput err;
        Printer::Settings settings;
        settings.verbose = true;
        Printer printer(out, err, settings);
        Error error(Errc::engine, "no");
        error.answer = EngineAnswer{
            .status = 500, .method = "GET", .route = "/v1.41/info", .engine = "docker"};
        printer.error(error);
        CHECK(err.text == "error: no\n  docker answered 500 to GET /v1.41/info\n");
    }

    TEST_CASE("quiet keeps errors and warnings")
    {
        MemoryOutput out;
        MemoryOutput err;
        Printer::Settings settings;
        settings.quiet = true;
        settings.overwrites = true;
        Printer printer(out, err, settings);
        printer.status("Building", "x");
        printer.step("step");
        printer.progress("progress");
        CHECK(err.text.empty());
        CHECK(!printer.next_refresh());
        printer.warning("w");
        CHECK(err.text == "warning: w\n");
    }

    TEST_CASE("colours surround the role's word only")
    {
        MemoryOutput out;
        MemoryOutput err;
        Printer::Settings settings;
        settings.color_err = true;
        Printer printer(out, err, settings);
        printer.error("no", "do");
        CHECK(err.text == "\x1b[1;31merror\x1b[0m: no\n\n\x1b[1;36mhint\x1b[0m: do\n");
    }

    TEST_CASE("progress is drawn after half a second, when the loop comes by")
    {
        Terminal terminal;
        terminal.printer.progress("working");
        CHECK(terminal.taken().empty());
        REQUIRE(terminal.printer.next_refresh().has_value());
        CHECK(*terminal.printer.next_refresh() - terminal.time == 500ms);
        terminal.time += 499ms;
        terminal.printer.refresh();
        CHECK(terminal.taken().empty());
        terminal.time += 1ms;
        terminal.printer.refresh();
        CHECK(terminal.taken() == "\rworking\x1b[K");
        CHECK(!terminal.printer.next_refresh());
    }

    TEST_CASE("progress that ends in time is never seen")
    {
        Terminal terminal;
        terminal.printer.progress("working");
        terminal.time += 499ms;
        terminal.printer.end_progress();
        terminal.time += 1s;
        terminal.printer.refresh();
        CHECK(terminal.taken().empty());
    }

    TEST_CASE("redraws are held back to ten a second, and the last text wins")
    {
        Terminal terminal;
        terminal.printer.progress("one");
        terminal.time += 500ms;
        terminal.printer.refresh();
        terminal.taken();
        terminal.printer.progress("two");
        terminal.printer.progress("three");
        CHECK(terminal.taken().empty());
        terminal.time += 100ms;
        terminal.printer.refresh();
        CHECK(terminal.taken() == "\rthree\x1b[K");
    }

    TEST_CASE("a long line loses its middle and leaves the last column free")
    {
        Terminal terminal;
        terminal.printer.progress("[3/9] RUN apt-get update && apt-get install");
        terminal.time += 500ms;
        terminal.printer.refresh();
        CHECK(terminal.taken() == "\r[3/9] RUN a...stall\x1b[K");
    }

    TEST_CASE("lines push the progress line away, and it comes back below them")
    {
        Terminal terminal;
        terminal.printer.progress("working");
        terminal.time += 500ms;
        terminal.printer.refresh();
        terminal.taken();
        terminal.printer.warning("w");
        CHECK(terminal.taken() == "\r\x1b[Kwarning: w\n");
        terminal.time += 100ms;
        terminal.printer.refresh();
        CHECK(terminal.taken() == "\rworking\x1b[K");
        terminal.printer.data("x");
        CHECK(terminal.taken() == "\r\x1b[K");
    }

    TEST_CASE("a closed pipe is silent, a full disk is not")
    {
        MemoryOutput out;
        MemoryOutput err;
        Printer printer(out, err, {});
        SUBCASE("closed pipe")
        {
            out.failure = std::make_error_code(std::errc::broken_pipe);
            printer.data("x");
            out.failure = {};
            printer.data("y");
            CHECK(out.text.empty());
            CHECK(!printer.stdout_failure());
        }
        SUBCASE("full disk")
        {
            out.failure = std::make_error_code(std::errc::no_space_on_device);
            printer.data("x");
            CHECK(printer.stdout_failure() == std::errc::no_space_on_device);
        }
        CHECK(err.text.empty());
    }

    TEST_CASE("a descriptor that does not block is waited for")
    {
        std::signal(SIGPIPE, SIG_IGN);
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) == 0);
        cli::FileOutput output(ends[1]);
        const std::string much(std::size_t{60} << 10, 'x'); // less than a pipe holds
        CHECK(!output.write(much));
        ::close(ends[0]);
        CHECK(output.write("x") == std::errc::broken_pipe);
        ::close(ends[1]);
    }
}
