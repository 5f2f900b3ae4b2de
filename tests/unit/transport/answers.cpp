#include "unit/transport/support.hpp"

using namespace slipway;
using namespace slipway::test;
using namespace std::chrono_literals;

namespace {

const std::string good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::string repeated(const std::string& text, std::size_t times)
{
    std::string out;
    out.reserve(text.size() * times);
    for (std::size_t i = 0; i < times; ++i)
        out += text;
    return out;
}

std::string with_header_of(std::size_t bytes)
{
    return "HTTP/1.1 200 OK\r\nX-Long: " + std::string(bytes, 'h')
           + "\r\nContent-Length: 2\r\n\r\nok";
}

struct Row {
    std::string title;
    std::string bytes;
    int status = 0;              // of a good answer
    std::string body{};          // of a good answer
    Errc error = Errc::internal; // of a bad one
};

const std::vector<Row>& rows()
{
    static const std::vector<Row> all{
        {"plain", good, 200, "ok"},
        {"a header of 9 KiB", with_header_of(9U << 10U), 200, "ok"},
        {"a header line of 200 KiB", with_header_of(200U << 10U), 200, "ok"},
        {"a header of 5000 lines",
         "HTTP/1.1 200 OK\r\n" + repeated("X-Line: abcdefghijklmnopqrstuvwxyz\r\n", 5000)
             + "Content-Length: 2\r\n\r\nok",
         200,
         "ok"},
        {"a header line of 300 KiB", with_header_of(300U << 10U), 0, "", Errc::protocol},
        {"a header without end",
         "HTTP/1.1 200 OK\r\n" + repeated("X-Line: abc\r\n", 200'000),
         0,
         "",
         Errc::protocol},
        {"chunks",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
         "chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
         200,
         "abcde"},
        {"chunks and a trailer",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: 1\r\n\r\n",
         200,
         "a"},
        {"chunks of nothing",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         200,
         ""},
        {"the end inside a last chunk that is also the first",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r",
         0,
         "",
         Errc::truncated},
        {"a chunk size that is no number",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
         0,
         "",
         Errc::protocol},
        {"a negative chunk size",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n",
         0,
         "",
         Errc::protocol},
        {"a chunk size that overflows",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc",
         0,
         "",
         Errc::protocol},
        {"a chunk of 2^63 bytes",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8000000000000000\r\nabc",
         0,
         "",
         Errc::truncated},
        {"a chunk that is longer than it said",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
         0,
         "",
         Errc::protocol},
        {"the end inside a chunk",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
         0,
         "",
         Errc::truncated},
        {"no last chunk",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
         0,
         "",
         Errc::truncated},
        {"a body shorter than its length",
         "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
         0,
         "",
         Errc::truncated},
        {"a body longer than its length",
         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more",
         200,
         "ok"},
        {"two lengths",
         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
         0,
         "",
         Errc::protocol},
        {"length and chunks",
         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         0,
         "",
         Errc::protocol},
        {"chunks and length",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
         0,
         "",
         Errc::protocol},
        {"bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 0, "", Errc::protocol},
        {"no HTTP at all", "SSH-2.0-OpenSSH_9.2\r\n", 0, "", Errc::protocol},
        {"interim answers",
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: y\r\n\r\n"
         "HTTP/1.1 103 Early Hints\r\nLink: z\r\n\r\n"
             + good,
         200,
         "ok"},
        {"interim answers without end",
         repeated("HTTP/1.1 102 Processing\r\n\r\n", 20'000),
         0,
         "",
         Errc::protocol},
        {"101 that nobody asked for",
         "HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n",
         0,
         "",
         Errc::protocol},
        {"204", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
        {"304", "HTTP/1.1 304 Not Modified\r\n\r\n", 304, ""},
        {"a redirect",
         "HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
         0,
         "",
         Errc::protocol},
        {"a compressed answer",
         "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
         0,
         "",
         Errc::protocol},
        {"an encoding that is none",
         "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\nok",
         200,
         "ok"},
        {"HTTP/1.0, ended by the connection", "HTTP/1.0 200 OK\r\n\r\nall of it", 200, "all of it"},
        {"HTTP/1.1, ended by the connection", "HTTP/1.1 200 OK\r\n\r\nall of it", 200, "all of it"},
        {"an error is an answer",
         "HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{}",
         409,
         "{}"},
        {"an error without a text",
         "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
         400,
         ""},
        {"the end in the header", "HTTP/1.1 200 OK\r\nConte", 0, "", Errc::truncated},
        {"no answer", "", 0, "", Errc::io},
    };
    return all;
}

void check(const Row& row, const Result<Response>& got)
{
    if (row.status != 0) {
        REQUIRE_MESSAGE(got.has_value(), describe(got.error()));
        CHECK(got->status == row.status);
        CHECK(got->body == row.body);
        return;
    }
    REQUIRE(!got.has_value());
    CHECK_MESSAGE(name(got.error().code) == name(row.error), describe(got.error()));
    CHECK(contains(describe(got.error()), "GET /x"));
}

} // namespace

TEST_SUITE("engine.transport.answers")
{
    TEST_CASE("each shape of an answer is a value or a typed error")
    {
        for (const Road road : all_roads) {
            for (const auto& row : rows()) {
                CAPTURE(std::string(name(road)));
                CAPTURE(row.title);
                const auto before = open_descriptors();
                {
                    const FakeEngine fake(road, {answer_once(row.bytes)});
                    Rig rig(fake);
                    check(row, rig.get());
                }
                CHECK(descriptors_come_back_to(before));
            }
        }
    }

    TEST_CASE("answers may come in single bytes")
    {
        for (const Road road : all_roads) {
            for (const auto& row : rows()) {
                if (row.bytes.size() > 1000) continue;
                CAPTURE(std::string(name(road)));
                CAPTURE(row.title);
                const FakeEngine fake(road, {[&row](FakePeer& peer) {
                                          peer.head();
                                          peer.drip(row.bytes);
                                      }});
                Rig rig(fake);
                auto expected = row;
                // The parser waits for the header's end, which only CR LF CR LF makes.
                const bool no_end = row.bytes.find("\r\n\r\n") == std::string::npos;
                if (no_end && row.error == Errc::protocol) expected.error = Errc::truncated;
                check(expected, rig.get());
            }
        }
    }

    TEST_CASE("a reset at any place is a typed error")
    {
        for (const Road road : {Road::tcp, Road::tls}) {
            for (const std::string sent :
                 {"", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"}) {
                CAPTURE(std::string(name(road)));
                CAPTURE(sent);
                const FakeEngine fake(road, {[&sent](FakePeer& peer) {
                                          peer.head();
                                          peer.send(sent);
                                          peer.reset();
                                      }});
                Rig rig(fake);
                const auto got = rig.get();
                REQUIRE(!got.has_value());
                const auto code = got.error().code;
                // Over TLS, before the first byte, it may be a refusal of our certificate.
                const bool refusal = road == Road::tls && sent.empty() && code == Errc::unreachable;
                CHECK_MESSAGE(
                    (refusal || code == Errc::io || code == Errc::truncated), describe(got.error())
                );
            }
        }
    }

    TEST_CASE("a body without end is refused by send and streamed by open")
    {
        const auto flood = [](FakePeer& peer) {
            peer.head();
            peer.send("HTTP/1.1 200 OK\r\n\r\n");
            const std::string piece(1U << 20U, 'x');
            while (peer.send(piece)) {
            }
        };
        const FakeEngine fake(Road::unix_socket, {flood});
        Rig rig(fake);
        const auto got = rig.get();
        REQUIRE(!got.has_value());
        CHECK(got.error().code == Errc::protocol);

        Request request("GET", "/x");
        auto stream = run(rig.io, rig.transport->open(request));
        REQUIRE(stream.has_value());
        std::vector<char> room(1000);
        const auto n = run(rig.io, (*stream)->read(room));
        REQUIRE(n.has_value());
        CHECK(*n > 0);
        (*stream)->close();
        const auto after = run(rig.io, (*stream)->read(room));
        CHECK((!after.has_value() || *after > 0)); // what was received before may still be given
    }

    TEST_CASE("open gives a status below 400 and makes an Error of the rest")
    {
        struct Refusal {
            std::string bytes;
            Errc code;
            std::string text;
        };
        const std::string closing = "Connection: close\r\n\r\n";
        const std::vector<Refusal> refusals{
            {"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: "
             "21\r\n\r\n"
             "{\"message\":\"no such\"}",
             Errc::not_found,
             "no such"},
            {"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
             Errc::invalid_argument,
             "HTTP 400"},
            {"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n" + closing
                 + "<html>proxy</html>",
             Errc::engine,
             "proxy"},
            {"HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\n" + closing + "{\"message\":",
             Errc::engine,
             "message"},
            {"HTTP/1.1 500 Oops\r\n" + closing + std::string(2U << 20U, 'm'), Errc::engine, "mmm"},
            {"HTTP/1.1 409 Conflict\r\n" + closing + "\xff\xfe\xc3(", Errc::conflict, ""},
            {"HTTP/1.1 401 No\r\nContent-Length: 100\r\n\r\ncut off", Errc::unauthorized, "401"},
        };
        for (const Road road : all_roads) {
            for (const auto& row : refusals) {
                CAPTURE(std::string(name(road)));
                CAPTURE(row.bytes.substr(0, 30));
                const FakeEngine fake(road, {answer_once(row.bytes)});
                Rig rig(fake);
                Request request("GET", "/x");
                const auto got = run(rig.io, rig.transport->open(request));
                REQUIRE(!got.has_value());
                CHECK_MESSAGE(name(got.error().code) == name(row.code), describe(got.error()));
                CHECK_MESSAGE(contains(describe(got.error()), row.text), describe(got.error()));
                REQUIRE(got.error().answer.has_value());
                CHECK(got.error().answer->method == "GET");
            }
        }
    }

    TEST_CASE("a refusal whose text never comes is still a refusal")
    {
        const FakeEngine fake(Road::unix_socket, {[](FakePeer& peer) {
                                  peer.head();
                                  peer.send("HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\n");
                                  peer.stall();
                              }});
        auto options = generous_options();
        options.call_deadlines.idle = 300ms;
        Rig rig(fake, options);
        Request request("GET", "/x");
        const auto got = run(rig.io, rig.transport->open(request));
        REQUIRE(!got.has_value());
        CHECK(got.error().code == Errc::not_found);
    }
}
