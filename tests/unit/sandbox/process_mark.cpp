#include "sandbox/process_mark.hpp"

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <string>

using namespace slipway::core;

TEST_SUITE("sandbox.process_mark")
{
    TEST_CASE("this process is alive")
    {
        CHECK(liveness(process_mark()) == Liveness::alive);
    }

    TEST_CASE("one that has ended is dead, and so is an earlier one of the same number")
    {
        int pipe[2];
        REQUIRE(::pipe(pipe) == 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            const std::string mark = process_mark();
            static_cast<void>(!::write(pipe[1], mark.data(), mark.size()));
            ::_exit(0);
        }
        char buffer[256];
        const auto n = ::read(pipe[0], buffer, sizeof buffer);
        REQUIRE(n > 0);
        const std::string mark(buffer, static_cast<std::size_t>(n));
        ::waitpid(child, nullptr, 0);
        ::close(pipe[0]);
        ::close(pipe[1]);
        CHECK(mark != process_mark());
        CHECK(liveness(mark) == Liveness::dead);
        CHECK(liveness(process_mark() + "1") == Liveness::dead);
    }

    TEST_CASE("of another machine or namespace nothing is known, nor of what is no mark")
    {
        const std::string mark = process_mark();
        CHECK(liveness("x" + mark) == Liveness::unknown);
        CHECK(liveness("") == Liveness::unknown);
        const auto second_slash = mark.find('/', mark.find('/') + 1);
        CHECK(liveness(mark.substr(0, second_slash + 1)) == Liveness::unknown);
        CHECK(liveness(mark.substr(0, second_slash + 1) + "x/1") == Liveness::unknown);
        CHECK(liveness(mark.substr(0, second_slash + 1) + "../self/1") == Liveness::unknown);
    }
}
