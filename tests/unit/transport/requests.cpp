#include "unit/transport/support.hpp"

#include <slipway/engine/pause.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <numeric>

using namespace slipway;
using namespace slipway::test;
using namespace std::chrono_literals;

namespace {

const std::string good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Request upload(std::shared_ptr<engine::ByteSource> source)
{
    Request request("PUT", "/archive");
    request.body(std::move(source), "application/x-tar");
    return request;
}

// Takes the chunks apart; nothing when the last one is missing.
std::optional<std::string> unchunk(std::string_view text)
{
    std::string out;
    for (;;) {
        const auto line = text.find("\r\n");
        if (line == std::string_view::npos) return {};
        const auto size = std::stoul(std::string(text.substr(0, line)), nullptr, 16);
        text.remove_prefix(line + 2);
        if (size == 0) return text == "\r\n" ? std::optional(out) : std::nullopt;
        if (text.size() < size + 2) return {};
        out += text.substr(0, size);
        text.remove_prefix(size + 2);
    }
}

/// Gives a byte, and then waits until it is cancelled.
class WaitingSource final : public engine::ByteSource {
public:
    Task<std::size_t> read(std::span<char> into) override
    {
        if (std::exchange(begun_, true)) {
            CO_CHECK(co_await engine::pause(std::chrono::hours(1)));
        }
        into[0] = 's';
        co_return std::size_t{1};
    }

private:
    bool begun_ = false;
};

/// Waits for its gate, whoever cancels it.
class StubbornSource final : public engine::ByteSource {
public:
    explicit StubbornSource(boost::asio::io_context& io)
        : gate(io, boost::asio::steady_timer::time_point::max())
    {
    }
    Task<std::size_t> read(std::span<char>) override
    {
        reading = true;
        const boost::asio::disable_cancellation never;
        co_await boost::asio::this_coro::reset_cancellation_state(never);
        co_await gate.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        co_return std::size_t{0};
    }

    boost::asio::steady_timer gate;
    bool reading = false;
};

/// The body of the answer.
Task<std::string> carry_out(Rig& rig, Request request, bool stream)
{
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    if (!stream) {
        CO_TRY(Response answer, co_await rig.transport->send(std::move(request)));
        co_return std::move(answer.body);
    }
    CO_TRY(const auto reply, co_await rig.transport->open(std::move(request)));
    std::string body;
    engine::StringSink sink(body);
    CO_CHECK(co_await engine::copy(*reply, sink));
    co_return body;
}

} // namespace

TEST_SUITE("engine.transport.requests")
{
    TEST_CASE("the header is what engines want")
    {
        std::string head;
        FakeEngine fake(Road::unix_socket, {[&](FakePeer& peer) {
                            head = peer.head();
                            peer.send(good);
                        }});
        {
            Rig rig(fake);
            Request request("POST", "/containers/" + Request::segment("a b/c") + "/start");
            request.query("name", "x y&z").query_flag("all", true).query_flag("none", false);
            request.header("X-Registry-Auth", "e30=");
            REQUIRE(rig.send(request).has_value());
        }
        fake.settle();
        CHECK(
            contains(head, "POST /v0.0/containers/a%20b/c/start?name=x%20y%26z&all=1 HTTP/1.1\r\n")
        );
        CHECK(contains(head, "\r\nHost: localhost\r\n"));
        CHECK(contains(head, "\r\nContent-Length: 0\r\n")); // dockerd refuses a chunked empty body
        CHECK(contains(head, "\r\nAccept-Encoding: identity\r\n"));
        CHECK(contains(head, "\r\nX-Registry-Auth: e30=\r\n"));
        CHECK(!contains(head, "Expect"));
    }

    TEST_CASE("the headers of the options go with every request, below those of its own")
    {
        std::vector<std::string> heads;
        FakeEngine fake(
            Road::unix_socket,
            {[&](FakePeer& peer) {
                 for (int i = 0; i < 2; ++i) {
                     heads.push_back(peer.head());
                     peer.send(good);
                 }
             },
             [&](FakePeer& peer) {
                 heads.push_back(peer.head());
                 peer.send("HTTP/1.1 101 UPGRADED\r\n\r\n");
             }}
        );
        {
            auto options = generous_options();
            options.headers.add("X-Meta", "one two");
            options.headers.add("X-Own", "of the options");
            Rig rig(fake, options);
            CHECK(
                rig.transport->secrets() == std::vector<std::string>{"one two", "of the options"}
            );
            REQUIRE(rig.get().has_value());
            Request own("GET", "/x");
            own.header("x-own", "of the request");
            REQUIRE(rig.send(own).has_value());
            REQUIRE(run(rig.io, rig.transport->upgrade(Request("POST", "/x"))).has_value());
        }
        fake.settle();
        REQUIRE(heads.size() == 3);
        for (const std::string& head : heads) {
            CHECK(contains(head, "\r\nX-Meta: one two\r\n"));
        }
        CHECK(contains(heads[0], "\r\nX-Own: of the options\r\n"));
        CHECK(contains(heads[1], "\r\nx-own: of the request\r\n"));
        CHECK(!contains(heads[1], "of the options"));
    }

    TEST_CASE("nothing of a caller's text can start a second request")
    {
        const FakeEngine fake(Road::unix_socket, {answer(good)});
        Rig rig(fake);
        Request header("GET", "/x");
        header.header("X-A", "b\r\nX-Evil: 1");
        Request name("GET", "/x");
        name.header("X-A: c\r\nX-B", "b");
        const Request path("GET", "/x HTTP/1.1\r\nX-Evil: 1");
        for (const Request& request : {header, name, path}) {
            const auto got = rig.send(request);
            REQUIRE(!got.has_value());
            CHECK(got.error().code == Errc::invalid_argument);
        }
        CHECK(fake.connections() == 0);
    }

    TEST_CASE("a streamed body arrives whole, with its last chunk [fault 14]")
    {
        for (const Road road : all_roads) {
            for (const std::size_t size : {0U, 1U, 65536U, 65537U, 3U << 20U}) {
                CAPTURE(std::string(name(road)));
                CAPTURE(size);
                std::string body;
                FakeEngine fake(road, {[&](FakePeer& peer) {
                                    peer.head();
                                    body = peer.read_to("0\r\n\r\n");
                                    peer.send(good);
                                }});
                {
                    Rig rig(fake);
                    const auto got = rig.send(upload(std::make_shared<PatternSource>(size)));
                    REQUIRE_MESSAGE(got.has_value(), describe(got.error()));
                    CHECK(got->body == "ok");
                }
                fake.settle();
                const auto plain = unchunk(body);
                REQUIRE(plain.has_value());
                CHECK(*plain == std::string(size, 'p'));
            }
        }
    }

    TEST_CASE("a large JSON body goes out while an answer is awaited")
    {
        for (const Road road : all_roads) {
            CAPTURE(std::string(name(road)));
            const FakeEngine fake(
                road, {[](FakePeer& peer) {
                    peer.head();
                    peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 7\r\n\r\nrefused");
                    peer.stall(); // without reading
                }}
            );
            Rig rig(fake);
            Request request("POST", "/x");
            request.json(std::string(16U << 20U, 'j'));
            const auto got = rig.send(request);
            REQUIRE_MESSAGE(got.has_value(), describe(got.error()));
            CHECK(got->status == 400);
            CHECK(got->body == "refused");
        }
    }

    TEST_CASE("an early refusal is heard while the body is on its way [fault 13]")
    {
        enum class Then { closes, stops_reading, reads_on };
        for (const Road road : all_roads) {
            for (const int status : {404, 400, 401, 413}) {
                for (const Then then : {Then::closes, Then::stops_reading, Then::reads_on}) {
                    CAPTURE(std::string(name(road)));
                    CAPTURE(status);
                    CAPTURE(static_cast<int>(then));
                    const auto before = open_descriptors();
                    {
                        FakeEngine fake(
                            road, {[=](FakePeer& peer) {
                                peer.head();
                                peer.read(100'000);
                                peer.send(
                                    "HTTP/1.1 " + std::to_string(status)
                                    + " No\r\nContent-Length: 20\r\n"
                                    + (then == Then::closes ? "Connection: close\r\n\r\n" : "\r\n")
                                    + "{\"message\":\"no dir\"}"
                                );
                                if (then == Then::stops_reading) peer.stall();
                                if (then == Then::reads_on) peer.read_to_end();
                                if (then == Then::closes) peer.half_close();
                            }}
                        );
                        Rig rig(fake);
                        const auto sent =
                            rig.send(upload(std::make_shared<PatternSource>(64U << 20U)));
                        REQUIRE_MESSAGE(sent.has_value(), describe(sent.error()));
                        CHECK(sent->status == status);
                        CHECK(contains(sent->body, "no dir"));
                        const auto opened = run(
                            rig.io,
                            rig.transport->open(upload(std::make_shared<PatternSource>(64U << 20U)))
                        );
                        REQUIRE(!opened.has_value());
                        CHECK(opened.error().message == "no dir");
                    }
                    CHECK(descriptors_come_back_to(before));
                }
            }
        }
    }

    TEST_CASE("the text of an early refusal may come late, while the source waits")
    {
        on_all_roads_at_once([](Road road) {
            const FakeEngine fake(road, {[](FakePeer& peer) {
                                      peer.head();
                                      peer.read_to("s\r\n");
                                      peer.send("HTTP/1.1 409 No\r\nContent-Length: 20\r\n\r\n");
                                      std::this_thread::sleep_for(100ms);
                                      peer.send("{\"message\":\"no dir\"}");
                                      peer.stall();
                                  }});
            Rig rig(fake);
            const auto sent = rig.send(upload(std::make_shared<WaitingSource>()));
            REQUIRE_MESSAGE(sent.has_value(), describe(sent.error()));
            CHECK(sent->status == 409);
            CHECK(contains(sent->body, "no dir"));
            const auto opened =
                run(rig.io, rig.transport->open(upload(std::make_shared<WaitingSource>())));
            REQUIRE(!opened.has_value());
            CHECK(opened.error().message == "no dir");
        });
    }

    TEST_CASE("success before the request has ended is not believed [fault 15]")
    {
        on_all_roads_at_once([](Road road) {
            const FakeEngine fake(road, {[](FakePeer& peer) {
                                      peer.head();
                                      peer.send(good);
                                      peer.stall();
                                  }});
            Rig rig(fake);
            const auto got = rig.send(upload(std::make_shared<PatternSource>(64U << 20U)));
            REQUIRE(!got.has_value());
            CHECK(got.error().code == Errc::protocol);
            CHECK(contains(got.error().message, "before it had the whole request"));
        });
    }

    TEST_CASE("an upload that stands still runs out of time, one that moves does not")
    {
        auto options = generous_options();
        options.call_deadlines = {2'000ms, 2'000ms, 1'000ms}; // a total is not for uploads
        const auto stands_still = [&](Road road) {
            const FakeEngine fake(road, {falls_silent});
            Rig rig(fake, options);
            const auto still = rig.send(upload(std::make_shared<PatternSource>(64U << 20U)));
            REQUIRE(!still.has_value());
            CHECK(still.error().code == Errc::timed_out);
            CHECK(contains(still.error().message, "header deadline"));
        };
        const auto moves = [&](Road road) {
            const FakeEngine fake(road, {[](FakePeer& peer) {
                                      peer.head();
                                      for (int i = 0; i < 12; ++i) {
                                          std::this_thread::sleep_for(200ms);
                                          peer.read(512U << 10U);
                                      }
                                      peer.read(26U << 20U);
                                      peer.send(good);
                                      peer.stall();
                                  }});
            Rig rig(fake, options);
            const auto moving = rig.send(upload(std::make_shared<PatternSource>(32U << 20U)));
            if (!moving) FAIL_CHECK(describe(moving.error()));
        };
        at_once({
            [&] { on_all_roads_at_once(stands_still); },
            [&] { on_all_roads_at_once(moves); },
        });
    }

    TEST_CASE("a body whose source fails ends without its last chunk and with the source's error "
              "[fault 63]")
    {
        for (const Road road : all_roads) {
            for (const std::size_t given :
                 {std::size_t{0}, std::size_t{100}, std::size_t{1} << 20U}) {
                CAPTURE(std::string(name(road)));
                CAPTURE(given);
                std::string body;
                FakeEngine fake(road, {[&](FakePeer& peer) {
                                    peer.head();
                                    body = peer.read_to_end();
                                    peer.send(good);
                                }});
                {
                    Rig rig(fake);
                    const Error broken(Errc::permission_denied, "cannot read src/a.c");
                    const auto got =
                        rig.send(upload(std::make_shared<PatternSource>(given, broken)));
                    REQUIRE(!got.has_value());
                    CHECK(got.error().code == Errc::permission_denied);
                    CHECK(got.error().message == "cannot read src/a.c");
                }
                fake.settle();
                CHECK(!unchunk(body).has_value());
            }
        }
    }

    TEST_CASE("a source that fails after the answer has begun is the call's error")
    {
        FakeEngine fake(
            Road::unix_socket, {[](FakePeer& peer) {
                peer.head();
                peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
                peer.read_to_end();
            }}
        );
        Rig rig(fake);
        const Error broken(Errc::io, "the disk is gone");
        auto source = std::make_shared<PatternSource>(4U << 20U, broken);
        auto stream = run(rig.io, rig.transport->open(upload(source)));
        if (stream) {
            const auto rest = read_all(rig.io, **stream);
            REQUIRE(!rest.has_value());
            CHECK(rest.error().message == "the disk is gone");
        } else {
            CHECK(stream.error().message == "the disk is gone");
        }
    }

    TEST_CASE("a source that does not stop holds up nobody for long, and goes on alone")
    {
        using namespace std::chrono_literals;
        struct Row {
            const char* answer;
            std::optional<std::chrono::milliseconds> total;
            Errc code;
            const char* words;
        };
        const Row table[] = {
            {"", 200ms, Errc::timed_out, "total deadline"},
            {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", {}, Errc::protocol, "before it had"},
            {"HTTP/1.1 404 No\r\nContent-Length: 20\r\n\r\n{\"message\":\"no dir\"}",
             {},
             Errc::not_found,
             "no dir"}};
        std::vector<std::function<void()>> parts;
        for (const Row& row : table) {
            for (const bool stream : {true, false}) {
                parts.emplace_back([&, stream] {
                    CAPTURE(std::string(row.words));
                    CAPTURE(stream);
                    const FakeEngine fake(Road::unix_socket, {[&](FakePeer& peer) {
                                              peer.head();
                                              peer.send(row.answer);
                                              peer.stall();
                                          }});
                    Rig rig(fake);
                    auto source = std::make_shared<StubbornSource>(rig.io);
                    const std::weak_ptr<StubbornSource> watched = source;
                    Request request = upload(source);
                    request.deadlines({{}, {}, row.total});
                    std::optional<Result<std::string>> got;
                    boost::asio::co_spawn(
                        rig.io,
                        carry_out(rig, request, stream),
                        [&](std::exception_ptr, Result<std::string> result) {
                            got.emplace(std::move(result));
                        }
                    );
                    const auto end = std::chrono::steady_clock::now() + 10s;
                    while (!got && std::chrono::steady_clock::now() < end) {
                        rig.io.run_one_for(10s);
                    }
                    REQUIRE(got.has_value());
                    CHECK(source->reading);
                    if (!stream && row.code == Errc::not_found) {
                        CHECK(got->value() == "{\"message\":\"no dir\"}");
                    } else {
                        REQUIRE(!got->has_value());
                        CHECK_MESSAGE(got->error().code == row.code, describe(got->error()));
                        CHECK_MESSAGE(
                            contains(got->error().message, row.words), describe(got->error())
                        );
                    }
                    request = Request("GET", "/x");
                    rig.transport.reset();
                    source->gate.cancel(); // it ends after all, with nobody there
                    source.reset();
                    rig.io.run();
                    CHECK(watched.expired());
                });
            }
        }
        at_once(parts);
    }

    TEST_CASE("a source that throws, whatever it is, ends the call")
    {
        class Thrower final : public engine::ByteSource {
        public:
            Task<std::size_t> read(std::span<char>) override
            {
                co_await engine::pause(std::chrono::milliseconds(1));
                throw 7; // NOLINT(hicpp-exception-baseclass)
            }
        };
        const FakeEngine fake(Road::unix_socket, {falls_silent});
        Rig rig(fake);
        const auto sent = rig.send(upload(std::make_shared<Thrower>()));
        REQUIRE(!sent.has_value());
        CHECK(sent.error().code == Errc::internal);
        CHECK(sent.error().message == "the source of the body threw something");
    }

    TEST_CASE("short calls share a connection")
    {
        for (const Road road : all_roads) {
            CAPTURE(std::string(name(road)));
            const FakeEngine fake(road, {answer(good)});
            Rig rig(fake);
            for (int i = 0; i < 5; ++i)
                REQUIRE(rig.get().has_value());
            CHECK(fake.connections() == 1);
        }
    }

    TEST_CASE("a connection with anything odd about it is not used again [fault 9]")
    {
        for (const std::string odd :
             {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
              "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 No\r\n\r\n",
              "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n",
              "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
              "HTTP/1.1 304 Not Modified\r\n\r\nunexpected"}) {
            CAPTURE(odd);
            const FakeEngine fake(
                Road::tcp,
                {
                    [odd](FakePeer& peer) {
                        peer.head();
                        peer.send(odd);
                        peer.stall();
                    },
                    answer(good),
                }
            );
            Rig rig(fake);
            REQUIRE(rig.get().has_value());
            std::this_thread::sleep_for(20ms); // lets the second segment of the odd answer arrive
            const auto second = rig.get();
            REQUIRE_MESSAGE(second.has_value(), describe(second.error()));
            CHECK(second->status == 200);
            CHECK(fake.connections() == 2);
        }
    }

    TEST_CASE("an idle connection that the engine has closed is replaced [fault 11]")
    {
        for (const Road road : all_roads) {
            for (const std::string method : {"GET", "POST"}) {
                CAPTURE(std::string(name(road)));
                FakeEngine fake(road, {answer_once(good), answer(good)});
                Rig rig(fake);
                REQUIRE(rig.get().has_value());
                fake.settle(); // closed now, and seen before it is used
                const auto got = rig.send(Request(method, "/x"));
                REQUIRE_MESSAGE(got.has_value(), describe(got.error()));
                CHECK(fake.connections() == 2);
            }
        }
    }

    TEST_CASE("a reused connection that dies under a request is tried once more, never for POST "
              "[fault 11]")
    {
        const auto dies_at_second = [](FakePeer& peer) {
            peer.head();
            peer.send(good);
            peer.head();
        };
        for (const Road road : all_roads) {
            for (const std::string method : {"GET", "HEAD", "DELETE", "POST"}) {
                CAPTURE(std::string(name(road)));
                CAPTURE(method);
                const FakeEngine fake(road, {dies_at_second, answer(good)});
                Rig rig(fake);
                REQUIRE(rig.get().has_value());
                const auto got = rig.send(Request(method, "/x"));
                CHECK(got.has_value() == (method != "POST"));
                CHECK(fake.connections() == (method == "POST" ? 1 : 2));
            }
        }
    }

    TEST_CASE("it is tried once more and not for ever [fault 11]")
    {
        const auto dies_at_second = [](FakePeer& peer) {
            peer.head();
            peer.send(good);
            peer.head();
        };
        const FakeEngine fake(Road::unix_socket, {dies_at_second, [](FakePeer& peer) {
                                                      peer.head();
                                                  }});
        Rig rig(fake);
        REQUIRE(rig.get().has_value());
        const auto got = rig.get();
        REQUIRE(!got.has_value());
        CHECK(got.error().code == Errc::io);
        CHECK(fake.connections() == 2);
    }

    TEST_CASE("a half answer is not tried again [fault 11]")
    {
        const FakeEngine fake(Road::unix_socket, {[](FakePeer& peer) {
                                  peer.head();
                                  peer.send(good);
                                  peer.head();
                                  peer.send("HTTP/1.1 2");
                              }});
        Rig rig(fake);
        REQUIRE(rig.get().has_value());
        const auto got = rig.get();
        REQUIRE(!got.has_value());
        CHECK(got.error().code == Errc::truncated);
        CHECK(fake.connections() == 1);
    }

    TEST_CASE("the name of an encoding is shown as one printable line")
    {
        const std::string name = "g\tz\xC2\x9B" + std::string(5000, 'x'); // U+009B begins a command
        const FakeEngine fake(
            Road::unix_socket, {answer("HTTP/1.1 200 OK\r\nContent-Encoding: " + name + "\r\n\r\n")}
        );
        Rig rig(fake);
        const auto got = rig.get();
        REQUIRE(!got.has_value());
        CHECK(got.error().code == Errc::protocol);
        CHECK(got.error().message.find(" with g z xxx") != std::string::npos);
        CHECK(got.error().message.size() < 300);
    }

    TEST_CASE("an answer to HEAD has a length and no body, after an interim answer too")
    {
        for (const std::string interim : {"", "HTTP/1.1 103 Early Hints\r\n\r\n"}) {
            const FakeEngine fake(
                Road::unix_socket,
                {answer(interim + "HTTP/1.1 200 OK\r\nContent-Length: 500\r\nX-A: b\r\n\r\n")}
            );
            Rig rig(fake);
            for (int i = 0; i < 2; ++i) {
                const auto got = rig.send(Request("HEAD", "/x"));
                REQUIRE_MESSAGE(got.has_value(), describe(got.error()));
                CHECK(got->headers.get("x-a") == "b");
                CHECK(got->body.empty());
            }
            CHECK(fake.connections() == 1);
        }
    }

    TEST_CASE("each call is traced, without its query")
    {
        const FakeEngine fake(Road::unix_socket, {answer(good)});
        std::vector<engine::CallTrace> calls;
        auto options = generous_options();
        options.on_call = [&](const engine::CallTrace& call) { calls.push_back(call); };
        Rig rig(fake, options);
        Request request("GET", "/x");
        request.query("secret", "hush").unversioned();
        REQUIRE(rig.send(request).has_value());
        REQUIRE(calls.size() == 1);
        CHECK(calls[0].route == "/x");
        CHECK(calls[0].status == 200);
    }
}
