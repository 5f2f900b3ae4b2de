#include "unit/transport/support.hpp"

#include <slipway/engine/child.hpp>

using namespace slipway;
using namespace slipway::test;
using namespace std::chrono_literals;

namespace {

const std::string switched =
    "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
    "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
const std::string plain_200 =
    "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n";

Result<std::unique_ptr<engine::DuplexStream>> attach(Rig& rig)
{
    Request request("POST", "/containers/c/attach");
    return run(rig.io, rig.transport->upgrade(request));
}

Task<> write_all(std::shared_ptr<engine::DuplexStream> stream, std::size_t bytes)
{
    const std::string piece(100'000, 'i');
    for (std::size_t sent = 0; sent < bytes; sent += piece.size()) {
        CO_CHECK(co_await stream->write(piece));
    }
    co_return co_await stream->shutdown_write();
}

// What a caller of attach does: writes stdin while it reads; the end of the output ends the writer.
Task<std::string> talk(std::shared_ptr<engine::DuplexStream> stream, std::size_t stdin_bytes)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    engine::Child writer(executor, write_all(stream, stdin_bytes));
    std::string out;
    engine::StringSink sink(out);
    CO_CHECK(co_await engine::copy(*stream, sink));
    writer.cancel();
    co_await writer.join();
    co_return out;
}

} // namespace

TEST_SUITE("engine.transport.hijack")
{
    TEST_CASE("bytes that come with the header are the first of the stream, on 101 and on 200 "
              "[fault 20] [fault 21]")
    {
        for (const Road road : all_roads) {
            for (const std::string& header : {switched, plain_200}) {
                CAPTURE(std::string(name(road)));
                CAPTURE(header.substr(0, 12));
                std::string head;
                std::string input;
                FakeEngine fake(road, {[&](FakePeer& peer) {
                                    head = peer.head();
                                    peer.send(header + "first");
                                    input = peer.read_to_end(); // half-closed by the client
                                    peer.send(" second");
                                }});
                {
                    Rig rig(fake);
                    const auto stream = attach(rig);
                    REQUIRE_MESSAGE(stream.has_value(), describe(stream.error()));
                    char few[2];
                    const auto n = run(rig.io, (*stream)->read(few));
                    REQUIRE(n.has_value());
                    CHECK(*n == 2);
                    REQUIRE(run(rig.io, (*stream)->write("to stdin")).has_value());
                    REQUIRE(run(rig.io, (*stream)->shutdown_write()).has_value());
                    const auto rest = read_all(rig.io, **stream);
                    REQUIRE_MESSAGE(rest.has_value(), describe(rest.error()));
                    CHECK(std::string(few, 2) + *rest == "first second");
                }
                fake.settle();
                CHECK(input == "to stdin");
                CHECK(contains(head, "\r\nConnection: Upgrade\r\n")); // podman: exactly this
                CHECK(contains(head, "\r\nUpgrade: tcp\r\n"));
            }
        }
    }

    TEST_CASE("single bytes make the same stream")
    {
        for (const Road road : all_roads) {
            CAPTURE(std::string(name(road)));
            const FakeEngine fake(road, {[](FakePeer& peer) {
                                      peer.head();
                                      peer.drip(switched + "abcdef");
                                  }});
            Rig rig(fake);
            const auto stream = attach(rig);
            REQUIRE(stream.has_value());
            const auto all = read_all(rig.io, **stream);
            REQUIRE_MESSAGE(all.has_value(), describe(all.error()));
            CHECK(*all == "abcdef");
        }
    }

    TEST_CASE("an answer with a body of its own is no stream")
    {
        for (const std::string answer_bytes :
             {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
              "HTTP/1.1 204 No Content\r\n\r\n",
              "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"}) {
            CAPTURE(answer_bytes);
            const FakeEngine fake(Road::unix_socket, {answer_once(answer_bytes)});
            Rig rig(fake);
            const auto stream = attach(rig);
            REQUIRE(!stream.has_value());
            CHECK(stream.error().code == Errc::protocol);
        }
    }

    TEST_CASE("a refusal is text without a length, ended by the connection")
    {
        for (const Road road : all_roads) {
            CAPTURE(std::string(name(road)));
            const FakeEngine fake(
                road,
                {answer_once("HTTP/1.1 404 Not Found\r\nContent-Type: "
                             "application/vnd.docker.raw-stream\r\n\r\n"
                             "No such container: c\r\n")}
            );
            Rig rig(fake);
            const auto stream = attach(rig);
            REQUIRE(!stream.has_value());
            CHECK(stream.error().code == Errc::not_found);
            CHECK(stream.error().message == "No such container: c");
        }
    }

    TEST_CASE("a reset in the stream is a typed error [fault 22]")
    {
        for (const Road road : {Road::tcp, Road::tls}) {
            CAPTURE(std::string(name(road)));
            const FakeEngine fake(road, {[](FakePeer& peer) {
                                      peer.head();
                                      peer.send(switched + "abc");
                                      peer.reset();
                                  }});
            Rig rig(fake);
            const auto stream = attach(rig);
            if (!stream) { // the reset overtook the header
                CHECK(stream.error().code == Errc::io);
                continue;
            }
            const auto all = read_all(rig.io, **stream);
            REQUIRE(!all.has_value());
            const auto code = all.error().code;
            CHECK_MESSAGE((code == Errc::io || code == Errc::truncated), describe(all.error()));
        }
    }

    TEST_CASE("TLS: an end without the closing alert is a truncation [fault 30]")
    {
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            for (const bool orderly : {true, false}) {
                CAPTURE(version);
                CAPTURE(orderly);
                FakeTls tls;
                tls.version = version;
                const FakeEngine fake(
                    Road::tls,
                    {[=](FakePeer& peer) {
                        peer.head();
                        peer.send(switched + "abc");
                        orderly ? peer.close() : peer.cut();
                    }},
                    tls
                );
                Rig rig(fake);
                const auto stream = attach(rig);
                REQUIRE(stream.has_value());
                const auto all = read_all(rig.io, **stream);
                REQUIRE(all.has_value() == orderly);
                if (!orderly) CHECK(all.error().code == Errc::truncated);
            }
        }
    }

    TEST_CASE("TLS: half-close, new keys in mid-stream, then data [fault 30]")
    {
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            CAPTURE(version);
            std::string input;
            FakeTls tls;
            tls.version = version;
            FakeEngine fake(
                Road::tls,
                {[&](FakePeer& peer) {
                    peer.head();
                    peer.send(switched);
                    for (int i = 0; i < 5; ++i) {
                        peer.send("before ");
                        if (version == TLS1_3_VERSION) peer.update_keys();
                        peer.send("after ");
                    }
                    input = peer.read_to_end();
                    if (version == TLS1_3_VERSION) peer.update_keys();
                    peer.send(std::string(1U << 20U, 'z'));
                    peer.close_after_client(); // the answer to the new keys is not read
                }},
                tls
            );
            {
                Rig rig(fake);
                auto stream = attach(rig);
                REQUIRE(stream.has_value());
                const std::shared_ptr<engine::DuplexStream> shared = *std::move(stream);
                const auto out = run(rig.io, talk(shared, 1'000'000));
                REQUIRE_MESSAGE(out.has_value(), describe(out.error()));
                CHECK(out->size() == 5 * 13 + (1U << 20U));
            }
            fake.settle();
            CHECK(input == std::string(1'000'000, 'i'));
        }
    }

    TEST_CASE("the output comes through while the engine does not read stdin [fault 29]")
    {
        for (const Road road : all_roads) {
            CAPTURE(std::string(name(road)));
            const FakeEngine fake(road, {[](FakePeer& peer) {
                                      peer.head();
                                      peer.send(switched);
                                      std::this_thread::sleep_for(100ms
                                      ); // the client's stdin fills the sockets
                                      peer.send(std::string(8U << 20U, 'o'));
                                      peer.half_close();
                                      peer.stall();
                                  }});
            Rig rig(fake);
            auto stream = attach(rig);
            REQUIRE(stream.has_value());
            const std::shared_ptr<engine::DuplexStream> shared = *std::move(stream);
            const auto out = run(rig.io, talk(shared, std::size_t{1} << 30U));
            REQUIRE_MESSAGE(out.has_value(), describe(out.error()));
            CHECK(out->size() == 8U << 20U);
        }
    }

    TEST_CASE("much data in both directions at once")
    {
        for (const Road road : all_roads) {
            CAPTURE(std::string(name(road)));
            const FakeEngine fake(road, {[](FakePeer& peer) { // like cat
                                      peer.head();
                                      peer.send(switched);
                                      for (;;) {
                                          const auto piece = peer.read(10'000);
                                          if (piece.empty() || !peer.send(piece)) return;
                                      }
                                  }});
            Rig rig(fake);
            auto stream = attach(rig);
            REQUIRE(stream.has_value());
            const std::shared_ptr<engine::DuplexStream> shared = *std::move(stream);
            const auto out = run(rig.io, talk(shared, 10'000'000));
            REQUIRE_MESSAGE(out.has_value(), describe(out.error()));
            CHECK(*out == std::string(10'000'000, 'i'));
        }
    }

    TEST_CASE("a stream may go while coroutines wait in it")
    {
        for (const Road road : all_roads) {
            for (const bool upgraded : {true, false}) {
                CAPTURE(std::string(name(road)));
                CAPTURE(upgraded);
                const auto before = open_descriptors();
                {
                    const FakeEngine fake(road, {[&](FakePeer& peer) {
                                              peer.head();
                                              peer.send(upgraded ? switched : plain_200);
                                              peer.stall();
                                          }});
                    Rig rig(fake);
                    std::unique_ptr<engine::ResponseStream> response;
                    std::unique_ptr<engine::DuplexStream> duplex;
                    std::vector<std::string> ends;
                    const auto note = [&](std::exception_ptr, auto result) {
                        ends.emplace_back(result ? "ok" : name(result.error().code));
                    };
                    std::vector<char> room(10);
                    const std::string flood(64U << 20U, 'f');
                    if (upgraded) {
                        auto stream = attach(rig);
                        REQUIRE(stream.has_value());
                        duplex = *std::move(stream);
                        boost::asio::co_spawn(rig.io, duplex->read(room), note);
                        boost::asio::co_spawn(rig.io, duplex->write(flood), note);
                    } else {
                        Request request("GET", "/x");
                        auto stream = run(rig.io, rig.transport->open(request));
                        REQUIRE(stream.has_value());
                        response = *std::move(stream);
                        boost::asio::co_spawn(rig.io, response->read(room), note);
                    }
                    rig.io.restart();
                    rig.io.run_for(50ms);
                    CHECK(ends.empty());
                    response.reset();
                    duplex.reset();
                    rig.io.run_for(generous);
                    CHECK(rig.io.stopped());
                    CHECK(ends == std::vector<std::string>(upgraded ? 2 : 1, "cancelled"));
                }
                CHECK(descriptors_come_back_to(before));
            }
        }
    }
}
