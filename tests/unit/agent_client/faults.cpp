#include "unit/agent_client/played.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace slipway;
using namespace slipway::test;
using agent::Type;
using core::AgentSession;
using core::JobIo;

TEST_SUITE("core.agent_client.faults")
{
    TEST_CASE("an agent that is taken or speaks another version is a typed error with a way out")
    {
        const auto busy = play([](FakePeer& peer) {
            Played agent(peer);
            agent::Busy answer;
            answer.nonce = agent.hello().nonce;
            answer.left_ms = 1234;
            peer.send(agent.frame(Type::busy, 0, answer));
        });
        REQUIRE(!busy);
        CHECK(busy.error().code == Errc::conflict);
        CHECK(busy.error().message.find("1234 ms") != std::string::npos);
        CHECK(!busy.error().hint.empty());

        const auto refused = play([](FakePeer& peer) {
            Played agent(peer);
            agent::Refused answer;
            answer.nonce = agent.hello().nonce;
            answer.lowest = 7;
            answer.highest = 9;
            peer.send(agent.frame(Type::refused, 0, answer));
        });
        REQUIRE(!refused);
        CHECK(refused.error().code == Errc::unsupported);
        CHECK(refused.error().message.find("7 to 9") != std::string::npos);
        const std::string own = "version " + std::to_string(agent::protocol_version);
        CHECK(refused.error().message.find(own) != std::string::npos);
        CHECK(!refused.error().hint.empty());
        CHECK(
            describe(refused.error()).find("opening a session with the sandbox's agent")
            != std::string::npos
        );
    }

    TEST_CASE("garbage, another nonce, another version, silence and the end are no welcome")
    {
        const auto garbage = play([](FakePeer& peer) {
            peer.read(hello_size);
            peer.send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
            peer.stall();
        });
        REQUIRE(!garbage);
        CHECK(garbage.error().code == Errc::protocol);

        const auto stranger = play([](FakePeer& peer) {
            Played agent(peer);
            agent.hello();
            agent::Welcome welcome;
            welcome.nonce.fill('n');
            welcome.version = agent::protocol_version;
            peer.send(agent.frame(Type::welcome, 0, welcome));
            peer.stall();
        });
        REQUIRE(!stranger);
        CHECK(stranger.error().code == Errc::protocol);

        const auto newer = play([](FakePeer& peer) {
            Played agent(peer);
            agent::Welcome welcome;
            welcome.nonce = agent.hello().nonce;
            welcome.version = agent::protocol_version + 1;
            peer.send(agent.frame(Type::welcome, 0, welcome));
            peer.stall();
        });
        REQUIRE(!newer);
        CHECK(newer.error().code == Errc::protocol);

        core::SessionOptions hasty;
        hasty.answer_within = std::chrono::milliseconds(30);
        const auto silent = play([](FakePeer& peer) { peer.stall(); }, {}, hasty);
        REQUIRE(!silent);
        CHECK(silent.error().code == Errc::timed_out);
        CHECK(silent.error().message.find("30 ms") != std::string::npos);
        CHECK(!silent.error().hint.empty());

        const auto gone = play([](FakePeer& peer) { peer.read(hello_size); });
        REQUIRE(!gone);
        CHECK(gone.error().code == Errc::truncated);
    }

    TEST_CASE("what an earlier session left before the welcome is passed over on a shared stream")
    {
        core::SessionOptions shared;
        shared.shared_stream = true;
        std::string got;
        const auto done = play(
            [](FakePeer& peer) {
                std::string stale;
                agent::append_message(stale, Type::out, 3, std::string(5000, 'S'), 77);
                std::string cut;
                agent::append_message(cut, Type::err, 4, std::string(900, 'S'), 77);
                stale += cut.substr(0, 333);
                Played agent(peer);
                agent.hello(true);
                peer.send(stale + agent.welcome());
                const auto channel = agent.await(Type::run) - 1;
                peer.send(agent.raw(Type::out, channel, "fresh") + agent.exit(channel));
                agent.await(Type::bye);
            },
            [&](AgentSession& session) -> Task<> {
                CHECK(session.welcome().build == "played");
                Collected out;
                JobIo io;
                io.out = &out;
                CO_CHECK(co_await session.run(program("x"), io));
                got = out.text;
                co_return co_await session.bye();
            },
            shared
        );
        INFO((done ? std::string() : describe(done.error())));
        REQUIRE(done);
        CHECK(got == "fresh");
    }

    TEST_CASE("a welcome, and a job's frames, that are cut at any byte are a truncated stream")
    {
        std::size_t size = 1;
        for (std::size_t cut = 0; cut < size; ++cut) {
            CAPTURE(cut);
            const auto opened = play([&](FakePeer& peer) {
                Played agent(peer);
                agent.hello();
                size = agent.welcome().size();
                peer.send(agent.welcome().substr(0, cut));
            });
            REQUIRE(!opened);
            REQUIRE(opened.error().code == Errc::truncated);
        }
        CHECK(size > 47);
        for (std::size_t cut = 0; cut <= size; ++cut) {
            CAPTURE(cut);
            std::string output;
            const auto end = play_job(
                [&](FakePeer& peer, Played& agent) {
                    const std::string bytes = agent.frame(Type::started, 1, agent::Started())
                                              + agent.raw(Type::out, 1, "hi") + agent.exit(1);
                    size = bytes.size();
                    peer.send(bytes.substr(0, cut));
                },
                &output
            );
            if (cut == size) {
                REQUIRE(exit_code(end) == 0);
                REQUIRE(output == "hi");
            } else {
                REQUIRE(!end);
                REQUIRE(end.error().code == Errc::truncated);
                REQUIRE(describe(end.error()).find("running x") != std::string::npos);
            }
        }
    }

    TEST_CASE("a peer that breaks the protocol ends every job with the same error")
    {
        using Make = std::function<std::string(Played&)>;
        const std::vector<std::pair<const char*, Make>> breaches = {
            {"more than its window",
             [](Played& agent) {
                 std::string bytes;
                 for (int i = 0; i < 9; ++i) { // the window is 512 KiB
                     bytes += agent.raw(Type::err, 1, std::string(65'536, 'w'));
                 }
                 return bytes;
             }},
            {"a job that is none", [](Played& agent) { return agent.raw(Type::out, 99, "x"); }},
            {"output after the end",
             [](Played& agent) { return agent.exit(2) + agent.raw(Type::out, 2, "x"); }},
            {"a client's message", [](Played& agent) { return agent.raw(Type::run, 1, {}); }},
            {"a second welcome", [](Played& agent) { return agent.welcome(); }},
            {"an exit of no kind",
             [](Played& agent) {
                 agent::Exit exit;
                 exit.how = 2;
                 return agent.frame(Type::exit, 1, exit);
             }},
            {"a window for output",
             [](Played& agent) {
                 agent::Window window;
                 window.stream = 1;
                 return agent.frame(Type::window, 1, window);
             }},
            {"a reset that nobody wanted",
             [](Played& agent) { return agent.frame(Type::reset_done, 0, agent::ResetDone()); }},
            {"bytes that are no frame", [](Played&) { return std::string("garbage"); }},
            {"a payload that is cut",
             [](Played& agent) { return agent.raw(Type::exit, 1, "abc"); }},
        };
        for (const auto& breach : breaches) {
            CAPTURE(breach.first);
            std::vector<Errc> ends;
            const auto opened = play(
                [&make = breach.second](FakePeer& peer) {
                    Played agent(peer);
                    agent.greet();
                    agent.await(Type::run);
                    agent.await(Type::run);
                    agent.await(Type::run);
                    peer.send(make(agent));
                    peer.stall();
                },
                [&](AgentSession& session) -> Task<> {
                    const auto executor = co_await boost::asio::this_coro::executor;
                    Gate gate(executor);
                    const auto one = [&]() -> Task<> {
                        JobIo io;
                        io.err = &gate;
                        const auto end = co_await session.run(program("x"), io);
                        if (!end) ends.push_back(end.error().code);
                        co_return ok();
                    };
                    engine::Child first(executor, one());
                    engine::Child second(executor, one());
                    engine::Child third(executor, one());
                    CO_CHECK(co_await third.join());
                    gate.open();
                    CO_CHECK(co_await first.join());
                    CO_CHECK(co_await second.join());
                    const auto late = co_await session.reset();
                    if (!late) ends.push_back(late.error().code);
                    co_return ok();
                }
            );
            REQUIRE(opened);
            REQUIRE(ends.size() >= 3); // one of the jobs may have ended before
            for (const Errc code : ends) {
                REQUIRE(code == Errc::protocol);
            }
        }
    }

    TEST_CASE("a job that the agent does not end is given up after its grace")
    {
        bool cancelled = false;
        Result<core::JobEnd> end = fail(Errc::internal, "it did not run");
        const auto opened = play(
            [&](FakePeer& peer) {
                Played agent(peer);
                agent.greet();
                cancelled = agent.await(Type::cancel) == 2;
                peer.stall();
            },
            [&](AgentSession& session) -> Task<> {
                const auto executor = co_await boost::asio::this_coro::executor;
                const auto one = [&]() -> Task<> {
                    JobIo io;
                    io.grace = std::chrono::milliseconds(10);
                    end = co_await session.run(program("x"), io);
                    co_return ok();
                };
                engine::Child job(executor, one());
                CO_CHECK(co_await engine::pause(std::chrono::milliseconds(1)));
                job.cancel();
                co_return co_await job.join();
            }
        );
        REQUIRE(opened);
        REQUIRE(!end);
        CHECK(end.error().code == Errc::cancelled);
        CHECK(cancelled);
    }

    TEST_CASE("the lease is renewed while a job is silent, and a reset has a deadline")
    {
        int renewals = 0;
        core::SessionOptions options;
        options.lease = std::chrono::milliseconds(3'000);
        options.reset_within = std::chrono::milliseconds(30);
        const auto done = play(
            [&](FakePeer& peer) {
                Played agent(peer);
                agent.greet();
                agent.await(Type::run);
                while (renewals < 2 && agent.await(Type::renew) != 0) {
                    ++renewals;
                }
                peer.send(agent.exit(1));
                peer.stall();
            },
            [](AgentSession& session) -> Task<> {
                JobIo io;
                CO_CHECK(co_await session.run(program("x"), io));
                const auto reset = co_await session.reset();
                CHECK(!reset);
                if (!reset) CHECK(reset.error().code == Errc::timed_out);
                co_return ok();
            },
            options
        );
        INFO((done ? std::string() : describe(done.error())));
        REQUIRE(done);
        CHECK(renewals == 2);
    }
}
