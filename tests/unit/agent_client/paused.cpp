#include "unit/agent_client/support.hpp"

#include <csignal>
#include <string>
#include <thread>

// A real agent that is stopped, and clients that are.

using namespace slipway;
using namespace slipway::test;
using core::AgentSession;
using core::JobEnd;
using core::JobIo;
using std::chrono::milliseconds;

namespace {

// What a healthy agent keeps on a machine that is busy.
constexpr milliseconds limit{1000};

core::SessionOptions impatient(milliseconds silent_for)
{
    core::SessionOptions options;
    options.silent_for = silent_for;
    return options;
}

} // namespace

TEST_SUITE("core.agent_client.paused")
{
    TEST_CASE("a job ends when its sandbox is paused, though the connection stays")
    {
        Agent agent;
        with_session(
            agent.socket(),
            [&](AgentSession& session) -> Task<> {
                Collected out;
                out.on_write = [&] { ::kill(agent.process().pid(), SIGSTOP); };
                JobIo io;
                io.out = &out;
                const auto end = co_await session.run(shell("echo up; sleep 1000"), io);
                REQUIRE(!end);
                CHECK(end.error().code == Errc::timed_out);
                CHECK(end.error().hint.find("paused") != std::string::npos);
                co_return ok();
            },
            impatient(milliseconds(200))
        );
        ::kill(agent.process().pid(), SIGCONT); // it kills the job
        with_session(agent.socket(), [](AgentSession& session) -> Task<> {
            const JobIo io;
            CO_TRY(const JobEnd end, co_await session.run(program("true"), io));
            CHECK(exit_code(end) == 0);
            co_return ok();
        });
    }

    TEST_CASE("a job that writes much survives sinks that take nothing for longer than the limit")
    {
        const Agent agent;
        with_session(
            agent.socket(),
            [](AgentSession& session) -> Task<> {
                constexpr std::size_t jobs = 4;
                constexpr std::size_t size = 3'000'000;
                const auto executor = co_await boost::asio::this_coro::executor;
                Gate gate(executor);
                const auto work = [&]() -> Task<> {
                    JobIo io;
                    io.out = &gate;
                    CO_TRY(
                        const JobEnd end,
                        co_await session.run(program("head", "-c", "3000000", "/dev/zero"), io)
                    );
                    CHECK(exit_code(end) == 0);
                    co_return ok();
                };
                std::vector<engine::Child> children;
                for (std::size_t i = 0; i < jobs; ++i) {
                    children.emplace_back(executor, work());
                }
                CO_CHECK(co_await engine::pause(3 * limit / 2));
                CHECK(gate.bytes == 0);
                gate.open();
                for (auto& child : children) {
                    CO_CHECK(co_await child.join());
                }
                CHECK(gate.bytes == jobs * size);
                co_return ok();
            },
            impatient(limit)
        );
    }

    TEST_CASE("a client that stood still for longer than the limit reads before it judges")
    {
        const Agent agent;
        with_session(
            agent.socket(),
            [](AgentSession& session) -> Task<> {
                Collected out;
                int writes = 0;
                out.on_write = [&] {
                    // As a signal, a debugger or a terminal that takes nothing would do it.
                    if (++writes == 1) std::this_thread::sleep_for(3 * limit / 2);
                };
                JobIo io;
                io.out = &out;
                CO_TRY(
                    const JobEnd end,
                    co_await session.run(program("head", "-c", "3000000", "/dev/zero"), io)
                );
                CHECK(exit_code(end) == 0);
                CHECK(out.text.size() == 3'000'000);
                co_return ok();
            },
            impatient(limit)
        );
    }
}
