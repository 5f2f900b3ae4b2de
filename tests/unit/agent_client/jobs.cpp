#include "support/tar.hpp"
#include "unit/agent_client/support.hpp"

#include <slipway/engine/pause.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <vector>

using namespace slipway;
using namespace slipway::test;
using core::AgentSession;
using core::JobEnd;
using core::JobIo;
using engine::Child;

namespace {

// Never ends.
struct Endless final : engine::ByteSource {
    Task<std::size_t> read(std::span<char> into) override
    {
        std::memset(into.data(), 'e', into.size());
        co_return into.size();
    }
};

// Never gives anything.
struct Silent final : engine::ByteSource {
    Task<std::size_t> read(std::span<char>) override
    {
        boost::asio::steady_timer never(
            co_await boost::asio::this_coro::executor, boost::asio::steady_timer::time_point::max()
        );
        co_await never.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        co_return fail(Errc::cancelled, "cancelled");
    }
};

struct BrokenSource final : engine::ByteSource {
    Task<std::size_t> read(std::span<char>) override
    {
        co_return fail(Errc::io, "the source broke");
    }
};

struct BrokenSink final : engine::ByteSink {
    Task<> write(std::string_view) override { co_return fail(Errc::io, "the sink broke"); }
};

Task<JobEnd> run_in(AgentSession& session, const char* script, Collected& out)
{
    JobIo io;
    io.out = &out;
    io.err = &out;
    co_return co_await session.run(shell(script), io);
}

Task<> keep_end(AgentSession& session, agent::Run run, JobIo io, Result<JobEnd>& end)
{
    end = co_await session.run(std::move(run), std::move(io));
    co_return ok();
}

Result<JobEnd> not_run()
{
    return fail(Errc::internal, "it did not run");
}

// Runs a job of a new session and cancels all after so many steps; then what the agent says of
// itself. False when the job was faster.
bool cancelled_after(const Agent& agent, int steps)
{
    boost::asio::io_context io;
    bool ended = false;
    Result<> done = fail(Errc::internal, "it did not run");
    const auto whole = [&]() -> Task<> {
        const auto work = [&]() -> Task<> {
            CO_TRY(const auto session, co_await open_session(agent.socket()));
            Collected out;
            JobIo job_io;
            const auto in = engine::text_source(std::string(100'000, 'x'));
            job_io.in = in.get();
            job_io.out = &out;
            CO_TRY(const JobEnd end, co_await session->run(program("cat"), job_io));
            CHECK(exit_code(end) == 0);
            CHECK(out.text.size() == 100'000);
            CO_CHECK(co_await session->bye());
            co_return ok();
        };
        done = co_await work();
        ended = true;
        co_return done;
    };
    Child child(io.get_executor(), whole());
    for (int i = 0; i < steps && !ended; ++i) {
        if (io.run_one_for(generous) == 0) break;
    }
    const bool faster = ended;
    if (!faster) child.cancel();
    io.run_for(generous);
    REQUIRE(!child.running());
    if (faster) {
        REQUIRE(done);
        return false;
    }
    if (ended) {
        REQUIRE(!done);
        REQUIRE(done.error().code == Errc::cancelled);
    }
    return true;
}

} // namespace

TEST_SUITE("core.agent_client.jobs")
{
    TEST_CASE("a job ends as its program does")
    {
        const Agent agent;
        with_session(agent.socket(), [](AgentSession& session) -> Task<> {
            Collected out;
            CO_TRY(
                const JobEnd three, co_await run_in(session, "echo hi; echo oh >&2; exit 3", out)
            );
            CHECK(exit_code(three) == 3);
            CHECK(out.text.size() == 6);
            CO_TRY(const JobEnd killed, co_await run_in(session, "kill -9 $$", out));
            REQUIRE(std::holds_alternative<agent::Exit>(killed));
            CHECK(std::get<agent::Exit>(killed).how == 1);
            CHECK(std::get<agent::Exit>(killed).code == SIGKILL);
            CHECK(std::get<agent::Exit>(killed).memory_kib > 0);
            const JobIo io;
            CO_TRY(const JobEnd none, co_await session.run(program("no-such-program"), io));
            REQUIRE(std::holds_alternative<agent::Failed>(none));
            CHECK(std::get<agent::Failed>(none).step == 1);
            CHECK(std::get<agent::Failed>(none).error == ENOENT);
            agent::Run elsewhere = program("true");
            elsewhere.cwd = "/no/such/directory";
            CO_TRY(const JobEnd nowhere, co_await session.run(elsewhere, io));
            REQUIRE(std::holds_alternative<agent::Failed>(nowhere));
            CHECK(std::get<agent::Failed>(nowhere).step == 3);
            co_return ok();
        });
    }

    TEST_CASE("bytes of argv and env arrive as they are, and too many of them are refused")
    {
        const Agent agent;
        with_session(agent.socket(), [](AgentSession& session) -> Task<> {
            std::string all;
            for (int c = 1; c < 256; ++c) {
                all += static_cast<char>(c);
            }
            Collected out;
            JobIo io;
            io.out = &out;
            agent::Run run = shell("printf %s \"$1$2\"; printf %s \"$ODD\"");
            run.argv.insert(run.argv.end(), {"sh", all, std::string(100'000, 'l')});
            run.env.push_back("ODD=a=b\nc");
            CO_TRY(const JobEnd end, co_await session.run(run, io));
            CHECK(exit_code(end) == 0);
            CHECK(out.text == all + std::string(100'000, 'l') + "a=b\nc");
            run.env.push_back("BIG=" + std::string(std::size_t{4} << 20U, 'b'));
            const auto refused = co_await session.run(run, io);
            REQUIRE(!refused);
            CHECK(refused.error().code == Errc::invalid_argument);
            CHECK(!refused.error().hint.empty());
            co_return ok();
        });
    }

    TEST_CASE("stdin goes in; a job that does not want it all, or that waits for it, ends well")
    {
        const Agent agent;
        with_session(agent.socket(), [](AgentSession& session) -> Task<> {
            Collected out;
            JobIo io;
            io.out = &out;
            const auto text = engine::text_source("some words");
            io.in = text.get();
            CO_TRY(const JobEnd cat, co_await session.run(program("cat"), io));
            CHECK(exit_code(cat) == 0);
            CHECK(out.text == "some words");
            Endless endless;
            io.in = &endless;
            out.text.clear();
            CO_TRY(const JobEnd head, co_await session.run(program("head", "-c", "3"), io));
            CHECK(exit_code(head) == 0);
            CHECK(out.text == "eee");
            Silent silent;
            io.in = &silent;
            CO_TRY(const JobEnd end, co_await session.run(program("true"), io));
            CHECK(exit_code(end) == 0);
            co_return ok();
        });
    }

    TEST_CASE("eight jobs at once each have their own streams, and a slow one stops no other")
    {
        const Agent agent;
        with_session(agent.socket(), [](AgentSession& session) -> Task<> {
            const auto executor = co_await boost::asio::this_coro::executor;
            Gate gate(executor);
            JobIo slow_io;
            slow_io.out = &gate;
            auto slow_end = not_run();
            agent::Run slow_run = program("head", "-c", "5000000", "/dev/zero");
            Child slow(executor, keep_end(session, slow_run, slow_io, slow_end));

            constexpr std::size_t many = 8;
            std::array<Collected, many> outs;
            std::vector<std::shared_ptr<engine::ByteSource>> ins;
            std::vector<Result<JobEnd>> ends(many, not_run());
            std::vector<Child> jobs;
            for (std::size_t i = 0; i < many; ++i) {
                ins.push_back(engine::text_source(std::string(1'500'000, static_cast<char>('a' + i))
                ));
                JobIo io;
                io.in = ins.back().get();
                io.out = &outs.at(i);
                jobs.emplace_back(executor, keep_end(session, program("cat"), io, ends[i]));
            }
            for (std::size_t i = 0; i < many; ++i) {
                CO_CHECK(co_await jobs[i].join());
                CHECK(exit_code(ends[i]) == 0);
                CHECK(outs.at(i).text == std::string(1'500'000, static_cast<char>('a' + i)));
            }
            CHECK(slow.running());
            CHECK(gate.bytes == 0);
            gate.open();
            CO_CHECK(co_await slow.join());
            CHECK(exit_code(slow_end) == 0);
            CHECK(gate.bytes == 5'000'000);
            co_return ok();
        });
    }

    TEST_CASE("a cancelled job may say its last words; cancelled again it is killed at once")
    {
        const Agent agent;
        with_session(agent.socket(), [](AgentSession& session) -> Task<> {
            const auto executor = co_await boost::asio::this_coro::executor;
            core::Event ready(executor);
            Collected out;
            out.on_write = [&] { ready.notify(); };
            JobIo io;
            io.out = &out;
            io.grace = generous;
            auto end = not_run();
            const auto script = "trap 'echo last words; exit 0' TERM; echo up; "
                                "while :; do sleep 0.01; done";
            Child polite(executor, keep_end(session, shell(script), io, end));
            CO_CHECK(co_await ready.wait());
            polite.cancel();
            co_await polite.join();
            REQUIRE(!end);
            CHECK(end.error().code == Errc::cancelled);
            CHECK(out.text == "up\nlast words\n");

            out.text.clear();
            const auto deaf = "trap '' TERM; echo up; while :; do sleep 0.01; done";
            Child stubborn(executor, keep_end(session, shell(deaf), io, end));
            CO_CHECK(co_await ready.wait());
            stubborn.cancel();
            CO_CHECK(co_await engine::pause(std::chrono::milliseconds(1)));
            CHECK(stubborn.running());
            stubborn.cancel();
            co_await stubborn.join();
            REQUIRE(!end);
            CHECK(end.error().code == Errc::cancelled);
            // Nothing of it goes on: the session can be made clean and used.
            CO_TRY(const auto reset, co_await session.reset());
            CHECK(reset.clean);
            CO_TRY(const JobEnd after, co_await run_in(session, "exit 4", out));
            CHECK(exit_code(after) == 4);
            co_return ok();
        });
    }

    TEST_CASE("a sink or a source that fails ends its job with that error, and no other")
    {
        const Agent agent;
        with_session(agent.socket(), [](AgentSession& session) -> Task<> {
            const auto executor = co_await boost::asio::this_coro::executor;
            Silent silent;
            JobIo waits;
            waits.in = &silent;
            waits.grace = std::chrono::milliseconds(0);
            auto other_end = not_run();
            Child other(executor, keep_end(session, program("cat"), waits, other_end));

            BrokenSink sink;
            JobIo io;
            io.out = &sink;
            const auto out = co_await session.run(shell("yes; sleep 1000"), io);
            REQUIRE(!out);
            CHECK(out.error().message == "the sink broke");
            CHECK(describe(out.error()).find("running sh") != std::string::npos);

            BrokenSource source;
            JobIo from;
            from.in = &source;
            const auto in = co_await session.run(program("cat"), from);
            REQUIRE(!in);
            CHECK(in.error().message == "the source broke");

            CHECK(other.running());
            other.cancel();
            co_await other.join();
            co_return ok();
        });
    }

    TEST_CASE("trees go in and come out, and a failure has the worker's words")
    {
        const Agent agent;
        const core::AgentIds own{::geteuid(), ::getegid()};
        const std::string top = (agent.directory() / "tree").string();
        with_session(agent.socket(), [&](AgentSession& session) -> Task<> {
            const auto tar = engine::text_source(
                make_tar({{"a/one", "first"}, {"two", std::string(300'000, '2')}})
            );
            CO_CHECK(co_await session.put(top, *tar, own));
            std::ifstream one(top + "/a/one");
            std::string text;
            std::getline(one, text);
            CHECK(text == "first");
            Collected out;
            std::vector<core::TreeItem> items;
            items.emplace_back(core::TreeItem::Kind::path, "two");
            items.emplace_back(core::TreeItem::Kind::path, "a");
            CO_CHECK(co_await session.get(top, items, out, own));
            CHECK(out.text.size() > 300'000);
            CHECK(out.text.find("a/one") != std::string::npos);
            CHECK(out.text.find("first") != std::string::npos);

            items.emplace_back(core::TreeItem::Kind::path, "not-there");
            const auto missing = co_await session.get(top, items, out, own);
            REQUIRE(!missing);
            CHECK(missing.error().code == Errc::not_found);
            CHECK(missing.error().message.find("not-there") != std::string::npos);
            CHECK(describe(missing.error()).find("getting files from " + top) != std::string::npos);

            const auto garbage = engine::text_source(std::string(5000, 'g'));
            const auto refused = co_await session.put(top, *garbage, own);
            REQUIRE(!refused);
            CHECK(refused.error().code == Errc::protocol);
            CHECK(!refused.error().message.empty());
            BrokenSource source;
            const auto cut = co_await session.put(top, source, own);
            REQUIRE(!cut);
            CHECK(cut.error().message == "the source broke");
            co_return ok();
        });
    }

    TEST_CASE("a job gets signals and its terminal a size")
    {
        const Agent agent;
        with_session(agent.socket(), [](AgentSession& session) -> Task<> {
            std::function<void(int)> signal;
            std::function<void(engine::TerminalSize)> resize;
            Collected out;
            out.on_write = [&] {
                if (out.text == "up\n") signal(SIGUSR1);
            };
            JobIo io;
            io.out = &out;
            io.on_signal = [&](std::function<void(int)> send) { signal = std::move(send); };
            CO_TRY(
                const JobEnd end,
                co_await session.run(
                    shell("trap 'exit 9' USR1; echo up; while :; do sleep 0.01; done"), io
                )
            );
            CHECK(exit_code(end) == 9);
            signal(SIGUSR1); // its job has ended

            out.text.clear();
            out.on_write = [&] {
                engine::TerminalSize size;
                size.rows = 33;
                size.columns = 99;
                if (out.text.find("up") != std::string::npos) resize(size); // it listens
            };
            io.on_terminal = [&](std::function<void(engine::TerminalSize)> tell) {
                resize = std::move(tell);
            };
            agent::Run run = shell(
                "stty size; trap 'stty size; exit 5' WINCH; echo up; while :; do sleep 0.01; done"
            );
            run.terminal = true;
            run.rows = 11;
            run.columns = 44;
            CO_TRY(const JobEnd sized, co_await session.run(run, io));
            CHECK(exit_code(sized) == 5);
            CHECK(out.text.find("11 44") == 0);
            CHECK(out.text.find("33 99") != std::string::npos);
            co_return ok();
        });
    }

    TEST_CASE("one client has the agent at a time, until it says goodbye")
    {
        const Agent agent;
        with_session(agent.socket(), [&](AgentSession& session) -> Task<> {
            const auto second = co_await open_session(agent.socket());
            REQUIRE(!second);
            CHECK(second.error().code == Errc::conflict);
            CO_CHECK(co_await session.bye());
            const JobIo io;
            const auto late = co_await session.run(program("true"), io);
            REQUIRE(!late);
            CHECK(late.error().code == Errc::cancelled);
            CO_TRY(const auto next, co_await open_session(agent.socket()));
            CO_TRY(const JobEnd end, co_await next->run(program("true"), io));
            CHECK(exit_code(end) == 0);
            co_return ok();
        });
    }

    TEST_CASE("an agent that is killed ends every job with one error")
    {
        Agent agent;
        with_session(agent.socket(), [&](AgentSession& session) -> Task<> {
            const auto executor = co_await boost::asio::this_coro::executor;
            Endless endless;
            std::vector<Result<JobEnd>> ends(8, not_run());
            std::vector<Child> jobs;
            Collected out;
            core::Event flows(executor);
            out.on_write = [&] { flows.notify(); };
            for (auto& end : ends) {
                JobIo io;
                io.in = &endless;
                io.out = &out;
                jobs.emplace_back(executor, keep_end(session, program("cat"), io, end));
            }
            for (int i = 0; i < 20; ++i) {
                CO_CHECK(co_await flows.wait());
            }
            agent.process().kill();
            for (auto& job : jobs) {
                CO_CHECK(co_await job.join());
            }
            std::set<std::string> messages;
            for (const auto& end : ends) {
                REQUIRE(!end);
                CHECK(end.error().code == Errc::truncated);
                messages.insert(end.error().message);
            }
            CHECK(messages.size() == 1);
            co_return ok();
        });
    }

    TEST_CASE("a session that is dropped, or whose io_context ends, leaves nothing of its jobs")
    {
        const Agent agent;
        for (const bool whole : {false, true}) {
            CAPTURE(whole);
            Endless endless;
            Collected out;
            std::vector<Result<JobEnd>> ends(4, not_run());
            boost::asio::io_context io;
            Gate shut(io.get_executor());
            std::unique_ptr<AgentSession> session;
            std::vector<Child> jobs;
            const auto begin = [&]() -> Task<> {
                const auto executor = co_await boost::asio::this_coro::executor;
                CO_TRY(session, co_await open_session(agent.socket()));
                for (auto& end : ends) {
                    JobIo job_io;
                    job_io.in = &endless;
                    job_io.out =
                        &end == &ends.back() ? static_cast<engine::ByteSink*>(&shut) : &out;
                    jobs.emplace_back(executor, keep_end(*session, program("cat"), job_io, end));
                }
                co_return ok();
            };
            Child starting(io.get_executor(), begin());
            while (out.text.size() < 1'000'000) {
                REQUIRE(io.run_one_for(generous) == 1);
            }
            if (whole) continue; // all goes as it stands
            session.reset();
            io.run_for(generous);
            CHECK(io.stopped());
            for (const auto& end : ends) {
                REQUIRE(!end);
                CHECK(end.error().code == Errc::cancelled);
            }
        }
    }

    TEST_CASE("opening, a job and the goodbye can be cancelled at every step")
    {
        const Agent agent;
        int steps = 0;
        while (cancelled_after(agent, steps)) {
            REQUIRE(++steps < 5000);
        }
        CHECK(steps > 10);
    }

    TEST_CASE("a socket that is not there, or whose path is long, is reached or told")
    {
        const Agent agent;
        const auto long_path =
            agent.directory() / std::string(100, 'd') / std::string(100, 'e') / "s";
        std::filesystem::create_directories(long_path.parent_path());
        boost::asio::io_context io;
        const auto missing = run(io, core::connect_agent(long_path, generous));
        REQUIRE(!missing);
        CHECK(missing.error().code == Errc::unreachable);
        CHECK(!missing.error().hint.empty());
        CHECK(describe(missing.error()).find(long_path.string()) != std::string::npos);
        std::filesystem::create_hard_link(agent.socket(), long_path);
        with_session(long_path, [](AgentSession& session) -> Task<> {
            const JobIo job_io;
            CO_TRY(const JobEnd end, co_await session.run(program("true"), job_io));
            CHECK(exit_code(end) == 0);
            co_return ok();
        });
        const auto no_socket = run(io, core::connect_agent(agent.directory(), generous));
        REQUIRE(!no_socket);
        const auto no_path = run(io, core::connect_agent({}, generous));
        REQUIRE(!no_path);
        CHECK(no_path.error().code == Errc::invalid_argument);
    }
}
