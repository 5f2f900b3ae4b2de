#include "agent/silence.hpp"

#include "unit/agent_client/played.hpp"

#include <csignal>
#include <string>

// Agents that say nothing more, or not when they should.

using namespace slipway;
using namespace slipway::test;
using agent::Type;
using core::AgentSession;
using core::JobIo;
using core::Silence;
using std::chrono::milliseconds;

namespace {

core::SessionOptions impatient(milliseconds limit = milliseconds(100))
{
    core::SessionOptions options;
    options.silent_for = limit;
    return options;
}

} // namespace

TEST_SUITE("core.agent_client.silence")
{
    TEST_CASE("so many steps without a word are a silence, and a late one is never the last")
    {
        Silence silence(milliseconds(1000));
        const milliseconds step = silence.step();
        CHECK(step == milliseconds(100));
        for (int i = 0; i < 10; ++i) {
            CHECK(!silence.passed(step));
        }
        CHECK(silence.passed(step));
        silence.broken();
        for (int i = 0; i < 10; ++i) {
            CHECK(!silence.passed(step));
        }
        CHECK(!silence.passed(std::chrono::hours(1))); // first what has come is read
        CHECK(silence.passed(step));
        silence.broken();
        CHECK(!silence.passed(std::chrono::hours(1)));
        CHECK(!silence.passed(step));

        CHECK(Silence(milliseconds(1000), milliseconds(7)).step() == milliseconds(7));
        CHECK(Silence(milliseconds(0)).step() == milliseconds(1));
    }

    TEST_CASE("an agent that is silent ends its jobs, and all that comes after, with a way out")
    {
        std::uint32_t renewals = 0;
        Result<core::JobEnd> late = fail(Errc::internal, "it did not run");
        const auto done = play(
            [&](FakePeer& peer) {
                Played agent(peer);
                agent.greet();
                agent.await(Type::run);
                while (agent.await(Type::renew) != 0) {
                    ++renewals;
                }
            },
            [&](AgentSession& session) -> Task<> {
                const JobIo io;
                const auto end = co_await session.run(program("x"), io);
                late = co_await session.run(program("x"), io);
                CHECK(!co_await session.reset());
                if (!end) co_return fail(end.error());
                co_return ok();
            },
            impatient()
        );
        REQUIRE(!done);
        CHECK(done.error().code == Errc::timed_out);
        CHECK(done.error().message.find("does not answer") != std::string::npos);
        CHECK(done.error().message.find("100 ms") != std::string::npos);
        CHECK(describe(done.error()).find("running x") != std::string::npos);
        CHECK(done.error().hint.find("slipway clean --all") != std::string::npos);
        REQUIRE(!late);
        CHECK(late.error().message == done.error().message);
        CHECK(renewals > 0);
    }

    TEST_CASE("answers to renewals, and nothing else, keep a session for longer than the limit")
    {
        constexpr int enough = 15; // ten a limit
        int answered = 0;
        const auto done = play(
            [&](FakePeer& peer) {
                Played agent(peer);
                agent.greet();
                agent.await(Type::run);
                for (; answered < enough && agent.await(Type::renew) != 0; ++answered) {
                    peer.send(agent.raw(Type::renewed, 0, {}));
                }
                peer.send(agent.exit(1));
                agent.await(Type::bye);
            },
            [](AgentSession& session) -> Task<> {
                const JobIo io;
                CO_TRY(const core::JobEnd end, co_await session.run(program("x"), io));
                CHECK(exit_code(end) == 0);
                co_return co_await session.bye();
            },
            impatient(milliseconds(500)) // the one who answers has to come to it
        );
        INFO((done ? std::string() : describe(done.error())));
        REQUIRE(done);
        CHECK(answered == enough);
    }

    TEST_CASE("while a reset goes on the agent may say nothing")
    {
        core::SessionOptions options = impatient();
        options.reset_within = generous;
        const auto done = play(
            [&](FakePeer& peer) {
                Played agent(peer);
                agent.greet();
                agent.await(Type::reset);
                for (int i = 0; i < 40 && agent.await(Type::renew) != 0; ++i) {
                }
                peer.send(agent.frame(Type::reset_done, 0, agent::ResetDone()));
                agent.await(Type::bye);
            },
            [](AgentSession& session) -> Task<> {
                CO_TRY(const auto reset, co_await session.reset());
                CHECK(reset.clean);
                co_return co_await session.bye();
            },
            options
        );
        INFO((done ? std::string() : describe(done.error())));
        REQUIRE(done);
    }

    TEST_CASE("a job that the agent does not end after its deadline is killed and given up")
    {
        core::SessionOptions options;
        options.overdue_for = milliseconds(50);
        options.lease = milliseconds(300);
        std::uint32_t cancelled = 0;
        const auto done = play(
            [&](FakePeer& peer) {
                Played agent(peer);
                agent.greet();
                agent.await(Type::run);
                cancelled = agent.await(Type::cancel);
                peer.send(agent.exit(1));
                for (;;) {
                    if (agent.await(Type::run) == 0) break;
                    peer.send(agent.exit(2));
                }
            },
            [](AgentSession& session) -> Task<> {
                agent::Run run = program("x");
                run.deadline_ms = 20;
                const JobIo io;
                const auto end = co_await session.run(run, io);
                const auto next = co_await session.run(program("y"), io);
                CHECK(exit_code(next) == 0); // the session is as good as before
                if (!end) co_return fail(end.error());
                co_return ok();
            },
            options
        );
        REQUIRE(!done);
        CHECK(done.error().code == Errc::timed_out);
        CHECK(done.error().message.find("20 ms") != std::string::npos);
        CHECK(done.error().message.find("50 ms") != std::string::npos);
        CHECK(!done.error().hint.empty());
        CHECK(cancelled == 2); // of job 1
    }

    TEST_CASE("a job that has ended in time is not overdue while our own sink is slow")
    {
        constexpr std::size_t window = std::size_t{512} << 10U;
        core::SessionOptions options;
        options.overdue_for = milliseconds(50);
        std::size_t bytes = 0;
        const auto done = play(
            [&](FakePeer& peer) {
                Played agent(peer);
                agent.greet();
                agent.await(Type::run);
                for (std::size_t sent = 0; sent < window; sent += agent::max_payload) {
                    peer.send(agent.raw(Type::out, 1, std::string(agent::max_payload, 'o')));
                }
                agent.await(Type::window);
                peer.send(agent.raw(Type::out, 1, "more") + agent.exit(1));
                agent.await(Type::bye);
            },
            [&](AgentSession& session) -> Task<> {
                const auto executor = co_await boost::asio::this_coro::executor;
                Gate gate(executor);
                const auto job = [&]() -> Task<> {
                    JobIo io;
                    io.out = &gate;
                    agent::Run run = program("x");
                    run.deadline_ms = 1;
                    CO_TRY(const core::JobEnd end, co_await session.run(run, io));
                    CHECK(exit_code(end) == 0);
                    co_return ok();
                };
                engine::Child child(executor, job());
                CO_CHECK(co_await engine::pause(milliseconds(300)));
                CHECK(child.running());
                gate.open();
                CO_CHECK(co_await child.join());
                bytes = gate.bytes;
                co_return co_await session.bye();
            },
            options
        );
        INFO((done ? std::string() : describe(done.error())));
        REQUIRE(done);
        CHECK(bytes == window + 4);
    }
}
