#include "sandbox/pool/start.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace slipway;
using namespace slipway::core;

namespace {

Error refusal(Errc code, int status, std::string message)
{
    Error error(code, std::move(message));
    error.answer.emplace().status = status;
    return error;
}

} // namespace

TEST_SUITE("sandbox.pool_start")
{
    TEST_CASE("what is no reason to do without the agent, what is one, and what is one that lasts")
    {
        struct Row {
            Error error;
            bool lacks;  // where a sandbox was started
            bool cannot; // where the volume was made
            bool lasts;
        };
        const std::string program = "exec: \"/.slipway-agent/slipway-agent\": permission denied";
        const Row rows[] = {
            {Error(Errc::unreachable, "connection refused"), false, false, false},
            {Error(Errc::timed_out, "no answer"), false, false, false},
            {Error(Errc::cancelled, "interrupted"), false, false, false},
            {Error(Errc::truncated, "slipway-agent"), false, false, false},
            {refusal(Errc::not_found, 404, "no such image"), false, false, false},
            {refusal(Errc::conflict, 409, "in use"), false, false, false},
            {refusal(Errc::engine, 500, "database is locked"), false, true, false},
            {refusal(Errc::engine, 503, "shutting down"), false, true, false},
            {refusal(Errc::unauthorized, 403, "authorization denied"), false, true, true},
            {refusal(Errc::unsupported, 501, "no volumes"), false, true, true},
            {Error(Errc::unsupported, "no agent for s390x"), false, true, true},
            {refusal(Errc::invalid_argument, 400, program), true, true, true},
            {refusal(Errc::engine, 500, program), true, true, true},
            {Error(Errc::engine, "the sandbox ended at once, with exit code 1"), true, false, true},
        };
        for (const Row& row : rows) {
            CAPTURE(row.error.message);
            CHECK(pool::lacks_agent(row.error) == row.lacks);
            CHECK(pool::cannot_be_had(row.error) == row.cannot);
            CHECK(pool::will_last(row.error) == row.lasts);
        }
    }
}
