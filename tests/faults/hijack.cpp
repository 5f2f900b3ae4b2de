#include "unit/transport/support.hpp"

#include <slipway/engine/child.hpp>
#include <slipway/engine/exec.hpp>
#include <slipway/engine/frames.hpp>

using namespace slipway;
using namespace slipway::test;
using namespace std::chrono_literals;

// A started exec, through the endpoint and the demultiplexer, on each road.

namespace {

const std::string upgraded =
    "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
    "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
const std::string not_upgraded =
    "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n";

std::string frame_head(unsigned char type, std::uint32_t length)
{
    std::string text(8, '\0');
    text[0] = static_cast<char>(type);
    for (unsigned i = 0; i < 4; ++i) {
        text[4 + i] = static_cast<char>(length >> (24 - 8 * i) & 0xFFU);
    }
    return text;
}
std::string frame_of(unsigned char type, const std::string& payload)
{
    return frame_head(type, static_cast<std::uint32_t>(payload.size())) + payload;
}

struct Heard {
    std::string out;
    std::string err;
};

Task<> read_exec(std::shared_ptr<HttpTransport> transport, Heard* heard)
{
    CO_TRY(const auto stream, co_await engine::Execs(*transport).start("e"));
    engine::StringSink out(heard->out);
    engine::StringSink err(heard->err);
    co_return co_await engine::demultiplex(*stream, out, err);
}

/// Plays `script` behind an exec's start.
Result<> heard_from(Road road, const FakeEngine::Script& script, Heard& heard, FakeTls tls = {})
{
    const FakeEngine fake(
        road,
        {[&script](FakePeer& peer) {
            peer.read_to("\"Tty\":false}");
            script(peer);
        }},
        tls
    );
    Rig rig(fake);
    return run(rig.io, read_exec(rig.transport, &heard));
}

enum class Ending { closes, cuts, resets };

void end(FakePeer& peer, Ending how)
{
    if (how == Ending::cuts) peer.cut();
    if (how == Ending::resets) peer.reset();
}

/// Every road gives `code` for these bytes, and "abc" of what came before.
void check_broken(
    const std::string& bytes, Errc code, const std::string& text, Ending ending = Ending::closes
)
{
    for (const Road road : all_roads) {
        CAPTURE(std::string(name(road)));
        Heard heard;
        const auto done = heard_from(
            road,
            [&](FakePeer& peer) {
                peer.send(upgraded + frame_of(1, "abc") + bytes);
                end(peer, ending);
            },
            heard
        );
        REQUIRE(!done.has_value());
        CHECK_MESSAGE(name(done.error().code) == name(code), describe(done.error()));
        CHECK_MESSAGE(contains(done.error().message, text), describe(done.error()));
        CHECK(heard.out.starts_with("abc"));
        CHECK(heard.err.empty());
    }
}

} // namespace

TEST_SUITE("faults.hijack")
{
    TEST_CASE("the first frames come in one segment with the 101, or with a 200 [fault 20] "
              "[fault 21]")
    {
        for (const Road road : all_roads) {
            for (const std::string& head : {upgraded, not_upgraded}) {
                CAPTURE(std::string(name(road)));
                CAPTURE(head.substr(0, 12));
                Heard heard;
                const auto done = heard_from(
                    road,
                    [&](FakePeer& peer) {
                        peer.send(head + frame_of(1, "out") + frame_of(2, "err"));
                    },
                    heard
                );
                REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
                CHECK(heard.out == "out");
                CHECK(heard.err == "err");
            }
        }
    }

    TEST_CASE("a reset in the middle of a frame [fault 22]")
    {
        for (const Road road : all_roads) {
            CAPTURE(std::string(name(road)));
            Heard heard;
            const auto done = heard_from(
                road,
                [](FakePeer& peer) {
                    peer.send(upgraded + frame_head(1, 100) + "abc");
                    peer.reset();
                },
                heard
            );
            REQUIRE(!done.has_value());
            const auto code = done.error().code; // a unix socket ends, where TCP is reset
            CHECK_MESSAGE((code == Errc::io || code == Errc::truncated), describe(done.error()));
        }
    }

    TEST_CASE("the end inside a frame's header or payload is truncated [fault 23] [fault 26]")
    {
        for (std::size_t cut = 1; cut < 8; ++cut) {
            check_broken(frame_head(1, 5).substr(0, cut), Errc::truncated, "frame");
        }
        check_broken(frame_head(1, 5) + "four", Errc::truncated, "frame");
        check_broken(frame_head(1, 0xFFFFFFFF) + "0123456789", Errc::truncated, "frame");
    }

    TEST_CASE("frames of types that are none, and padding that is not zero [fault 24]")
    {
        for (const int type : {4, 5, 127, 128, 255}) {
            check_broken(frame_of(static_cast<unsigned char>(type), "x"), Errc::protocol, "frame");
        }
        for (const std::size_t at : {1U, 2U, 3U}) {
            std::string bytes = frame_of(1, "x");
            bytes[at] = '\x01';
            check_broken(bytes, Errc::protocol, "frame");
        }
    }

    TEST_CASE("a million empty frames, then one that is not [fault 25]")
    {
        std::string many;
        for (int i = 0; i < 1000; ++i) {
            many += frame_head(static_cast<unsigned char>(1 + i % 2), 0);
        }
        for (const Road road : all_roads) {
            CAPTURE(std::string(name(road)));
            Heard heard;
            const auto done = heard_from(
                road,
                [&](FakePeer& peer) {
                    peer.send(upgraded);
                    for (int i = 0; i < 1000; ++i)
                        peer.send(many);
                    peer.send(frame_of(1, "last"));
                },
                heard
            );
            REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
            CHECK(heard.out == "last");
        }
    }

    TEST_CASE("a frame of type 3 is the engine's failure [fault 27]")
    {
        check_broken(frame_of(3, "the disk\nis full\n"), Errc::engine, "the disk is full");
    }

    TEST_CASE("one byte a segment [fault 28]")
    {
        for (const Road road : all_roads) {
            CAPTURE(std::string(name(road)));
            Heard heard;
            const auto done = heard_from(
                road,
                [](FakePeer& peer) {
                    peer.drip(upgraded + frame_of(1, "out") + frame_of(2, "err"));
                },
                heard
            );
            REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
            CHECK(heard.out == "out");
            CHECK(heard.err == "err");
        }
    }

    TEST_CASE("TLS: an end without the closing alert is truncated, between frames too [fault 30]")
    {
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            CAPTURE(version);
            FakeTls tls;
            tls.version = version;
            for (const bool orderly : {true, false}) {
                CAPTURE(orderly);
                Heard heard;
                const auto done = heard_from(
                    Road::tls,
                    [&](FakePeer& peer) {
                        peer.send(upgraded + frame_of(1, "whole"));
                        end(peer, orderly ? Ending::closes : Ending::cuts);
                    },
                    heard,
                    tls
                );
                CHECK(heard.out == "whole");
                REQUIRE(done.has_value() == orderly);
                if (!orderly) CHECK(done.error().code == Errc::truncated);
            }
        }
    }

    TEST_CASE("TLS 1.2: a renegotiation in mid-stream is refused [fault 30]")
    {
        FakeTls tls;
        tls.version = TLS1_2_VERSION;
        Heard heard;
        const auto done = heard_from(
            Road::tls,
            [](FakePeer& peer) {
                peer.send(upgraded + frame_of(1, "before "));
                peer.renegotiate();
                peer.send(frame_of(1, "after"));
            },
            heard,
            tls
        );
        REQUIRE(!done.has_value());
        CHECK_MESSAGE(done.error().code == Errc::protocol, describe(done.error()));
        CHECK(done.error().hint.empty()); // it is not about certificates
        CHECK(heard.out == "before ");
    }

    TEST_CASE("an engine that stops reading blocks a write, which can be cancelled [fault 29]")
    {
        for (const Road road : all_roads) {
            CAPTURE(std::string(name(road)));
            const FakeEngine fake(road, {[](FakePeer& peer) {
                                      peer.read_to("\"Tty\":false}");
                                      peer.send(upgraded);
                                      peer.stall();
                                  }});
            Rig rig(fake);
            auto started = run(rig.io, engine::Execs(*rig.transport).start("e"));
            REQUIRE_MESSAGE(started.has_value(), describe(started.error()));
            const std::shared_ptr<engine::DuplexStream> stream = *std::move(started);
            const auto flood = [](std::shared_ptr<engine::DuplexStream> to) -> Task<> {
                const std::string piece(1U << 20U, 'w');
                for (;;) {
                    CO_CHECK(co_await to->write(piece));
                }
            };
            engine::Child writer(rig.io.get_executor(), flood(stream));
            rig.io.restart();
            rig.io.run_for(100ms);
            CHECK(writer.running());
            writer.cancel();
            const auto ended = run(rig.io, writer.join());
            REQUIRE(!ended.has_value());
            CHECK(ended.error().code == Errc::cancelled);
        }
    }
}
