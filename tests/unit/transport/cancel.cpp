#include "tar_check.hpp"
#include "unit/transport/support.hpp"

#include <slipway/engine/child.hpp>

#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>

using namespace slipway;
using namespace slipway::test;
using namespace std::chrono_literals;

namespace asio = boost::asio;

namespace {

using End = std::shared_ptr<std::optional<Result<>>>;

Task<> root(Task<> task, End end)
{
    auto result = co_await std::move(task);
    end->emplace(result);
    co_return result;
}

enum class Verdict { ended, cancelled, failed, hung };

std::string last_end; // of the task that ran last, for messages

// Runs a task and cancels it after `steps` handlers of the io_context.
Verdict cancel_after(
    asio::io_context& io, Task<> task, int steps, std::chrono::milliseconds patience = generous
)
{
    const auto end = std::make_shared<std::optional<Result<>>>();
    engine::Child child(io.get_executor(), root(std::move(task), end)); // gives signals at once
    io.restart();
    for (int i = 0; i < steps && !*end; ++i) {
        if (io.run_one_for(patience) == 0) break;
    }
    const bool was_faster = end->has_value();
    if (!was_faster) child.cancel();
    io.run_for(generous);
    if (!io.stopped() || child.running()) return Verdict::hung;
    if (!*end) return Verdict::cancelled; // before its first step
    const Result<>& out = **end;
    last_end = out ? "a value" : describe(out.error());
    if (was_faster) return out ? Verdict::ended : Verdict::failed;
    if (out) return Verdict::failed; // it was cancelled before its end
    return out.error().code == Errc::cancelled ? Verdict::cancelled : Verdict::failed;
}

// Cancels at every step until the call ends first.
void cancel_everywhere(
    Road road,
    const FakeEngine::Script& script,
    const std::function<Task<>(std::shared_ptr<HttpTransport>)>& call
)
{
    const auto before = open_descriptors();
    int cancelled = 0;
    for (int steps = 0;; ++steps) {
        CAPTURE(std::string(name(road)));
        CAPTURE(steps);
        Verdict verdict = Verdict::hung;
        {
            const FakeEngine fake(road, {script});
            Rig rig(fake);
            verdict = cancel_after(rig.io, call(rig.transport), steps);
            rig.transport.reset();
        }
        REQUIRE(descriptors_come_back_to(before));
        REQUIRE(verdict != Verdict::hung);
        REQUIRE_MESSAGE(verdict != Verdict::failed, last_end);
        if (verdict == Verdict::ended) break;
        ++cancelled;
        REQUIRE(steps < 2000);
    }
    CHECK(cancelled > 3);
}

// By value: the coroutines own what they use.
Task<> get(std::shared_ptr<HttpTransport> transport)
{
    Request request("GET", "/x");
    CO_CHECK(co_await transport->send(request));
    co_return ok();
}

Task<> put(std::shared_ptr<HttpTransport> transport)
{
    Request request("PUT", "/x");
    request.body(std::make_shared<PatternSource>(150'000), "application/x-tar");
    CO_CHECK(co_await transport->send(request));
    co_return ok();
}

Task<> stream(std::shared_ptr<HttpTransport> transport)
{
    Request request("GET", "/x");
    CO_TRY(const auto response, co_await transport->open(request));
    std::string out;
    engine::StringSink sink(out);
    CO_CHECK(co_await engine::copy(*response, sink));
    co_return ok();
}

Task<> echo(std::shared_ptr<HttpTransport> transport)
{
    Request request("POST", "/x");
    CO_TRY(const auto duplex, co_await transport->upgrade(request));
    CO_CHECK(co_await duplex->write("hello"));
    CO_CHECK(co_await duplex->shutdown_write());
    std::string out;
    engine::StringSink sink(out);
    CO_CHECK(co_await engine::copy(*duplex, sink));
    co_return ok();
}

void answer_body(FakePeer& peer)
{
    peer.head();
    if (peer.read_to("\r\n0\r\n\r\n").empty()) return;
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

void echo_script(FakePeer& peer)
{
    peer.head();
    peer.send("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    peer.send(peer.read_to_end());
}

} // namespace

TEST_SUITE("engine.transport.cancel")
{
    TEST_CASE("a call can be cancelled at every step, and leaves nothing behind [fault 31]")
    {
        for (const Road road : all_roads) {
            cancel_everywhere(road, answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), get);
            cancel_everywhere(road, answer_body, put);
            cancel_everywhere(
                road,
                answer_once(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
                ),
                stream
            );
            cancel_everywhere(road, echo_script, echo);
        }
    }

    TEST_CASE("what waits for ever can be cancelled [fault 29] [fault 31]")
    {
        const std::string switched =
            "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
        const auto write_for_ever = [](std::shared_ptr<HttpTransport> transport) -> Task<> {
            Request request("POST", "/x");
            CO_TRY(const auto duplex, co_await transport->upgrade(request));
            const std::string piece(1U << 20U, 'w');
            for (;;) {
                CO_CHECK(co_await duplex->write(piece));
            }
        };
        for (const Road road : all_roads) {
            CAPTURE(std::string(name(road)));
            const auto before = open_descriptors();
            {
                const FakeEngine fake(road, {[&](FakePeer& peer) {
                                          peer.head();
                                          peer.send(switched);
                                          peer.stall();
                                      }});
                Rig rig(fake);
                CHECK(
                    cancel_after(rig.io, write_for_ever(rig.transport), 10'000, 100ms)
                    == Verdict::cancelled
                );
                const FakeEngine mute(road, {[](FakePeer& peer) { peer.stall(); }});
                Rig other(mute);
                CHECK(
                    cancel_after(other.io, get(other.transport), 10'000, 100ms)
                    == Verdict::cancelled
                );
            }
            CHECK(descriptors_come_back_to(before));
        }
    }

    TEST_CASE("clean-up calls run after a cancellation")
    {
        for (const Road road : all_roads) {
            CAPTURE(std::string(name(road)));
            const FakeEngine fake(
                road,
                {
                    falls_silent,
                    answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
                }
            );
            Rig rig(fake);
            bool cleaned = false;
            const auto job = [&]() -> Task<> {
                auto first = co_await get(rig.transport);
                auto second = co_await get(rig.transport);
                cleaned = second.has_value();
                co_return first;
            };
            CHECK(cancel_after(rig.io, job(), 10'000, 100ms) == Verdict::cancelled);
            CHECK(cleaned);
        }
    }

    TEST_CASE("a cancellation is not lost on a stream that is never silent")
    {
        for (const Road road : all_roads) {
            CAPTURE(std::string(name(road)));
            const FakeEngine fake(road, {[](FakePeer& peer) {
                                      peer.head();
                                      peer.send("HTTP/1.1 200 OK\r\n\r\n");
                                      const std::string piece(1U << 20U, 'x');
                                      while (peer.send(piece)) {
                                      }
                                  }});
            for (const int steps : {40, 41, 42, 43, 44, 45, 46, 47}) {
                Rig rig(fake);
                const auto drain = [&]() -> Task<> {
                    Request request("GET", "/x");
                    CO_TRY(const auto response, co_await rig.transport->open(request));
                    std::vector<char> room(65536);
                    for (;;) {
                        CO_CHECK(co_await response->read(room));
                    }
                };
                CHECK(cancel_after(rig.io, drain(), steps) == Verdict::cancelled);
            }
        }
    }

    TEST_CASE("an archive may be dropped while somebody reads it")
    {
        const FakeEngine fake(Road::unix_socket, {[](FakePeer& peer) {
                                  peer.head();
                                  peer.send("HTTP/1.1 200 OK\r\n\r\n");
                                  peer.stall();
                              }});
        Rig rig(fake);
        auto tar =
            run(rig.io,
                engine::open_tar(*rig.transport, Request("GET", "/x").unversioned(), "getting"));
        REQUIRE_MESSAGE(tar.has_value(), describe(tar.error()));
        std::vector<char> room(4096);
        std::optional<bool> failed;
        boost::asio::co_spawn(rig.io, (*tar)->read(room), [&](std::exception_ptr, const auto& got) {
            failed = !got.has_value();
        });
        rig.io.restart();
        rig.io.run_for(20ms);
        CHECK(!failed.has_value());
        tar->reset();
        rig.io.run_for(generous);
        CHECK(failed == true);
    }

    TEST_CASE("an io_context that is destroyed takes everything with it")
    {
        const auto before = open_descriptors();
        on_all_roads_at_once([](Road road) {
            for (int steps = 0; steps < 40; ++steps) {
                CAPTURE(steps);
                const FakeEngine fake(
                    road, {[](FakePeer& peer) {
                        peer.head();
                        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"
                        );
                        peer.stall();
                    }}
                );
                asio::io_context io;
                auto transport = std::make_shared<HttpTransport>(
                    io.get_executor(), fake.endpoint(), generous_options()
                );
                const auto upload = [](std::shared_ptr<HttpTransport> by) -> Task<> {
                    Request request("PUT", "/x");
                    request.body(std::make_shared<PatternSource>(64U << 20U), "application/x-tar");
                    CO_TRY(const auto response, co_await by->open(request));
                    std::string out;
                    engine::StringSink sink(out);
                    CO_CHECK(co_await engine::copy(*response, sink));
                    co_return ok();
                };
                asio::co_spawn(io, upload(std::move(transport)), asio::detached);
                for (int i = 0; i < steps; ++i)
                    io.run_one_for(5ms);
            }
        });
        CHECK(descriptors_come_back_to(before));
    }
}
