#include "unit/transport/support.hpp"

#include <slipway/engine/archive.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/exec.hpp>
#include <slipway/engine/pause.hpp>

using namespace slipway;
using namespace slipway::test;
using namespace std::chrono_literals;

namespace {

// Long enough that no healthy step of a case takes it, short enough to wait for.
constexpr auto brief = 200ms;

enum class Way { send, open, upgrade };

std::string way_name(Way way)
{
    return way == Way::send ? "send" : way == Way::open ? "open" : "upgrade";
}

void on_every_road_and_way(const std::vector<Way>& ways, const std::function<void(Road, Way)>& body)
{
    std::vector<std::function<void()>> parts;
    for (const Road road : all_roads) {
        for (const Way way : ways) {
            parts.emplace_back([&body, road, way] {
                CAPTURE(std::string(name(road)));
                CAPTURE(way_name(way));
                body(road, way);
            });
        }
    }
    at_once(parts);
}

// Carries a request out to the end of its answer.
Result<> carry_out(Rig& rig, Way way, const Request& request)
{
    if (way == Way::upgrade) {
        TRY(const auto stream, run(rig.io, rig.transport->upgrade(request)));
        return ok();
    }
    if (way == Way::send) {
        TRY(const auto answer, rig.send(request));
        return ok();
    }
    TRY(const auto stream, run(rig.io, rig.transport->open(request)));
    TRY(const auto text, read_all(rig.io, *stream));
    return ok();
}

Request with(engine::Deadlines deadlines)
{
    Request request("POST", "/x");
    request.unversioned().deadlines(deadlines);
    return request;
}

void check_late(const Result<>& got, const std::string& words)
{
    REQUIRE(!got.has_value());
    CHECK_MESSAGE(name(got.error().code) == "timed_out", describe(got.error()));
    CHECK_MESSAGE(contains(got.error().message, words), describe(got.error()));
    CHECK(contains(describe(got.error()), "POST /x"));
}

FakeEngine::Script sends_and_stalls(std::string bytes)
{
    return [bytes = std::move(bytes)](FakePeer& peer) {
        peer.head();
        peer.send(bytes);
        peer.stall();
    };
}

// Gives its bytes only after a rest.
class SlowSource final : public engine::ByteSource {
public:
    explicit SlowSource(std::chrono::milliseconds rest) : rest_(rest) {}
    Task<std::size_t> read(std::span<char> into) override
    {
        if (pieces_ == 0) co_return std::size_t{0};
        --pieces_;
        CO_CHECK(co_await engine::pause(rest_));
        into[0] = 's';
        co_return std::size_t{1};
    }

private:
    std::chrono::milliseconds rest_;
    int pieces_ = 1;
};

const std::string begun = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab";

} // namespace

TEST_SUITE("engine.transport.deadlines")
{
    TEST_CASE("an answer that does not begin runs into the header deadline")
    {
        engine::Deadlines deadlines;
        deadlines.header = brief;
        const auto before = open_descriptors();
        on_every_road_and_way({Way::send, Way::open, Way::upgrade}, [&](Road road, Way way) {
            for (const std::string some : {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 X\r\n\r\n"}) {
                CAPTURE(some);
                const FakeEngine fake(road, {sends_and_stalls(some)});
                Rig rig(fake);
                const auto got = carry_out(rig, way, with(deadlines));
                check_late(got, "no answer within 200 ms (header deadline)");
            }
        });
        CHECK(descriptors_come_back_to(before));
    }

    TEST_CASE("an answer that stops runs into the idle deadline")
    {
        engine::Deadlines deadlines;
        deadlines.idle = brief;
        const auto before = open_descriptors();
        on_every_road_and_way({Way::send, Way::open}, [&](Road road, Way way) {
            const FakeEngine fake(road, {sends_and_stalls(begun)});
            Rig rig(fake);
            const auto got = carry_out(rig, way, with(deadlines));
            check_late(got, "nothing more of the answer within 200 ms (idle deadline)");
        });
        CHECK(descriptors_come_back_to(before));
    }

    TEST_CASE("an answer that never ends runs into the total deadline, however it moves")
    {
        engine::Deadlines deadlines{generous, generous, 500ms};
        const auto drips = [](FakePeer& peer) {
            peer.head();
            peer.send("HTTP/1.1 200 OK\r\n\r\n");
            while (peer.send("x")) {
                std::this_thread::sleep_for(20ms);
            }
        };
        on_every_road_and_way({Way::send, Way::open}, [&](Road road, Way way) {
            const FakeEngine fake(road, {drips});
            Rig rig(fake);
            const auto got = carry_out(rig, way, with(deadlines));
            check_late(got, "not finished within 500 ms (total deadline)");
        });
    }

    TEST_CASE("the total counts while there is no connection yet")
    {
        engine::Deadlines deadlines;
        deadlines.total = brief;
        const FakeEngine mute(Road::tcp, {[](FakePeer& peer) { peer.stall(); }});
        auto endpoint = mute.endpoint();
        endpoint.tls.emplace(); // nobody answers the handshake
        endpoint.tls->ca = fake_pki().path("ca.pem");
        for (const Way way : {Way::send, Way::open, Way::upgrade}) {
            CAPTURE(way_name(way));
            Rig rig(mute);
            rig.transport = std::make_shared<HttpTransport>(
                rig.io.get_executor(), endpoint, generous_options()
            );
            const auto got = carry_out(rig, way, with(deadlines));
            check_late(got, "not finished within 200 ms (total deadline)");
        }
    }

    TEST_CASE("the client's deadlines hold where a request has none of its own")
    {
        for (const Way way : {Way::send, Way::open, Way::upgrade}) {
            CAPTURE(way_name(way));
            auto options = generous_options();
            auto& deadlines = way == Way::send ? options.call_deadlines : options.stream_deadlines;
            deadlines.header = brief;
            const FakeEngine fake(Road::unix_socket, {falls_silent});
            Rig rig(fake, options);
            Request request("POST", "/x");
            request.unversioned();
            check_late(carry_out(rig, way, request), "header deadline");
        }
        const engine::ClientOptions defaults;
        CHECK(defaults.call_deadlines.header.has_value());
        CHECK(defaults.call_deadlines.idle.has_value());
        CHECK(defaults.call_deadlines.total.has_value());
        CHECK(!defaults.stream_deadlines.header.has_value());
        CHECK(!defaults.stream_deadlines.idle.has_value());
        CHECK(!defaults.stream_deadlines.total.has_value());
    }

    TEST_CASE("calls with a header deadline of their own keep the client's others")
    {
        using Call = std::function<Result<>(Rig&)>;
        const auto without_value = [](auto result) -> Result<> {
            if (!result) return fail(std::move(result).error());
            return ok();
        };
        const Call calls[] = {
            [&](Rig& rig) {
                engine::Archives files(*rig.transport);
                return run(rig.io, files.put("c", "/", engine::text_source("tar")));
            },
            [&](Rig& rig) {
                engine::Archives files(*rig.transport);
                return without_value(run(rig.io, files.get("c", "/")));
            },
            [&](Rig& rig) {
                engine::Containers containers(*rig.transport);
                const engine::LogOptions options;
                return without_value(run(rig.io, containers.logs("c", options)));
            },
            [&](Rig& rig) {
                engine::Containers containers(*rig.transport);
                const engine::AttachOptions options;
                return without_value(run(rig.io, containers.attach("c", options)));
            },
            [&](Rig& rig) {
                engine::Execs execs(*rig.transport);
                return without_value(run(rig.io, execs.start("e", false)));
            }};
        const auto check = [](const Result<>& got, const char* words) {
            REQUIRE(!got.has_value());
            CHECK_MESSAGE(got.error().code == Errc::timed_out, describe(got.error()));
            CHECK_MESSAGE(contains(got.error().message, words), describe(got.error()));
        };
        std::vector<std::function<void()>> parts;
        for (const Call& call : calls) {
            for (const bool header : {true, false}) {
                parts.emplace_back([&, header] {
                    auto options = generous_options();
                    auto& mine = options.stream_deadlines;
                    (header ? mine.header : mine.total) = brief;
                    const FakeEngine fake(Road::unix_socket, {falls_silent});
                    Rig rig(fake, options);
                    check(call(rig), header ? "header deadline" : "total deadline");
                });
            }
        }
        parts.emplace_back([&] {
            auto options = generous_options();
            options.stream_deadlines.idle = brief;
            const FakeEngine fake(Road::unix_socket, {sends_and_stalls(begun)});
            Rig rig(fake, options);
            check(calls[0](rig), "idle deadline");
        });
        at_once(parts);
    }

    TEST_CASE("a header deadline of a call's own is the longest there is")
    {
        Request request("GET", "/x");
        CHECK(!request.deadlines_or({}).header);
        request.header_deadline(5s);
        CHECK(request.deadlines_or({}).header == 5s);
        CHECK(request.deadlines_or({1s, 2s, 3s}).header == 1s);
        CHECK(request.deadlines_or({9s, 2s, 3s}).header == 5s);
        CHECK(request.deadlines_or({9s, 2s, 3s}).idle == 2s);
        CHECK(request.deadlines_or({9s, 2s, 3s}).total == 3s);
        request.deadlines({{}, 7s, {}});
        CHECK(request.deadlines_or({9s, 2s, 3s}).header == 5s);
        CHECK(request.deadlines_or({9s, 2s, 3s}).idle == 7s);
        CHECK(!request.deadlines_or({9s, 2s, 3s}).total);
    }

    TEST_CASE("while our own source makes the next piece, the engine is not late")
    {
        on_every_road_and_way({Way::send, Way::open}, [](Road road, Way way) {
            const FakeEngine fake(road, {[](FakePeer& peer) {
                                      peer.head();
                                      peer.read_to("0\r\n\r\n");
                                      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                                  }});
            Rig rig(fake);
            Request request = with({1'000ms, 1'000ms, {}});
            request.body(std::make_shared<SlowSource>(1'300ms), "application/x-tar");
            const auto got = carry_out(rig, way, request);
            if (!got) FAIL_CHECK(describe(got.error()));
        });
    }

    TEST_CASE("a stream that nobody reads is not idle")
    {
        const FakeEngine fake(Road::unix_socket, {[](FakePeer& peer) {
                                  peer.head();
                                  peer.send(begun);
                                  std::this_thread::sleep_for(200ms);
                                  peer.send("cdefghi");
                                  peer.stall();
                              }});
        Rig rig(fake);
        auto stream = run(rig.io, rig.transport->open(with({{}, 1'000ms, {}})));
        REQUIRE(stream.has_value());
        rig.io.restart();
        rig.io.run_for(10ms);
        CHECK(rig.io.stopped()); // no timer keeps it busy
        std::this_thread::sleep_for(1'500ms);
        const auto all = read_all(rig.io, **stream);
        REQUIRE_MESSAGE(all.has_value(), describe(all.error()));
        CHECK(*all == "abcdefghi");
    }

    TEST_CASE("a stream that was closed has no deadline any more")
    {
        const FakeEngine fake(Road::unix_socket, {sends_and_stalls(begun)});
        Rig rig(fake);
        // With a timer left, `run` would last an hour and the test program be ended.
        const auto open_and_close = [&](bool drop) -> Task<> {
            const Request request = with({{}, {}, 1h});
            CO_TRY(auto stream, co_await rig.transport->open(request));
            if (drop) {
                stream.reset();
            } else {
                stream->close();
                std::vector<char> room(10);
                const auto after = co_await stream->read(room);
                CHECK((after.has_value() || after.error().code == Errc::cancelled));
            }
            co_return ok();
        };
        CHECK(run(rig.io, open_and_close(false)).has_value());
        CHECK(run(rig.io, open_and_close(true)).has_value());
    }
}
