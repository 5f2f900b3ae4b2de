#include "http/response_parser.hpp"
#include "unit/transport/support.hpp"

#include <slipway/engine/containers.hpp>

#include <atomic>

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
    int fault; // its number in the table; 0: none
    std::string title;
    std::string bytes;
    int status = 0;              // of a good answer
    std::string body{};          // of a good answer
    Errc error = Errc::internal; // of a bad one
};

const std::vector<Row>& rows()
{
    static const std::vector<Row> all{
        {0, "plain", good, 200, "ok"},
        {1, "a header of 9 KiB", with_header_of(9U << 10U), 200, "ok"},
        {1, "a header line of 200 KiB", with_header_of(200U << 10U), 200, "ok"},
        {1,
         "a header of 5000 lines",
         "HTTP/1.1 200 OK\r\n" + repeated("X-Line: abcdefghijklmnopqrstuvwxyz\r\n", 5000)
             + "Content-Length: 2\r\n\r\nok",
         200,
         "ok"},
        {1, "a header line of 300 KiB", with_header_of(300U << 10U), 0, "", Errc::protocol},
        {1,
         "a header without end",
         "HTTP/1.1 200 OK\r\n" + repeated("X-Line: abc\r\n", 200'000),
         0,
         "",
         Errc::protocol},
        {0,
         "chunks",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
         "chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
         200,
         "abcde"},
        {0,
         "chunks and a trailer",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: 1\r\n\r\n",
         200,
         "a"},
        {0,
         "chunks of nothing",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         200,
         ""},
        {5,
         "the end inside a last chunk that is also the first",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r",
         0,
         "",
         Errc::truncated},
        {3,
         "a chunk size that is no number",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
         0,
         "",
         Errc::protocol},
        {3,
         "a negative chunk size",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n",
         0,
         "",
         Errc::protocol},
        {3,
         "a chunk size that overflows",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc",
         0,
         "",
         Errc::protocol},
        {3,
         "a chunk of 2^63 bytes",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8000000000000000\r\nabc",
         0,
         "",
         Errc::truncated},
        {3,
         "a chunk that is longer than it said",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
         0,
         "",
         Errc::protocol},
        {4,
         "the end inside a chunk",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
         0,
         "",
         Errc::truncated},
        {5,
         "no last chunk",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
         0,
         "",
         Errc::truncated},
        {6,
         "a body shorter than its length",
         "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
         0,
         "",
         Errc::truncated},
        {6,
         "a body longer than its length",
         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more",
         200,
         "ok"},
        {6,
         "two lengths",
         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
         0,
         "",
         Errc::protocol},
        {6,
         "length and chunks",
         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         0,
         "",
         Errc::protocol},
        {6,
         "chunks and length",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
         0,
         "",
         Errc::protocol},
        {7, "bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 0, "", Errc::protocol},
        {0, "no HTTP at all", "SSH-2.0-OpenSSH_9.2\r\n", 0, "", Errc::protocol},
        {8,
         "interim answers",
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: y\r\n\r\n"
         "HTTP/1.1 103 Early Hints\r\nLink: z\r\n\r\n"
             + good,
         200,
         "ok"},
        {8,
         "interim answers without end",
         repeated("HTTP/1.1 102 Processing\r\n\r\n", 20'000),
         0,
         "",
         Errc::protocol},
        {8,
         "101 that nobody asked for",
         "HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n",
         0,
         "",
         Errc::protocol},
        {9, "204", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
        {9, "304", "HTTP/1.1 304 Not Modified\r\n\r\n", 304, ""},
        {10,
         "a redirect",
         "HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
         0,
         "",
         Errc::protocol},
        {16,
         "a compressed answer",
         "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
         0,
         "",
         Errc::protocol},
        {16,
         "an encoding that is none",
         "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\nok",
         200,
         "ok"},
        {17,
         "HTTP/1.0, ended by the connection",
         "HTTP/1.0 200 OK\r\n\r\nall of it",
         200,
         "all of it"},
        {0,
         "HTTP/1.1, ended by the connection",
         "HTTP/1.1 200 OK\r\n\r\nall of it",
         200,
         "all of it"},
        {0,
         "an error is an answer",
         "HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{}",
         409,
         "{}"},
        {18,
         "an error without a text",
         "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
         400,
         ""},
        {0, "the end in the header", "HTTP/1.1 200 OK\r\nConte", 0, "", Errc::truncated},
        {0, "no answer", "", 0, "", Errc::io},
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
    const std::string said = describe(got.error());
    CHECK_MESSAGE(name(got.error().code) == name(row.error), said);
    CHECK(contains(said, "GET /x"));
    const bool in_plain_words =
        contains(said, "engine") || contains(said, "answer") || contains(said, "(total deadline)");
    CHECK_MESSAGE(in_plain_words, said);
}

// What becomes of an answer when the engine does not close the connection after it.
Row before_silence(Row row)
{
    const bool needs_end = row.error == Errc::truncated || row.error == Errc::io
                           || row.title.ends_with("ended by the connection");
    if (needs_end) {
        row.status = 0;
        row.error = Errc::timed_out;
    }
    return row;
}

void check_row(const Row& row)
{
    for (const Road road : all_roads) {
        CAPTURE(std::string(name(road)));
        CAPTURE(row.title);
        {
            const FakeEngine fake(road, {answer_once(row.bytes)});
            Rig rig(fake);
            check(row, rig.get());
        }
        const Row expected = before_silence(row);
        const FakeEngine fake(road, {[&row](FakePeer& peer) {
                                  peer.head();
                                  peer.send(row.bytes);
                                  peer.stall();
                              }});
        auto options = generous_options();
        if (expected.error == Errc::timed_out) options.call_deadlines.total = 100ms;
        Rig rig(fake, options);
        check(expected, rig.get());
    }
}

void check_fault(int fault)
{
    int found = 0;
    for (const auto& row : rows()) {
        if (row.fault != fault) continue;
        ++found;
        check_row(row);
    }
    CHECK(found > 0);
}

} // namespace

TEST_SUITE("faults.answers")
{
    TEST_CASE("what is no fault")
    {
        check_fault(0);
    }
    TEST_CASE("a header of more than 8 KiB, and one without end [fault 1]")
    {
        check_fault(1);
    }
    TEST_CASE("a chunk size that is none, overflows, is negative or 2^63 [fault 3]")
    {
        check_fault(3);
    }
    TEST_CASE("the end inside a chunk [fault 4]")
    {
        check_fault(4);
    }
    TEST_CASE("no last chunk [fault 5]")
    {
        check_fault(5);
    }
    TEST_CASE("Content-Length: too short, too long, twice, with chunks [fault 6]")
    {
        check_fault(6);
    }
    TEST_CASE("bare line feeds [fault 7]")
    {
        check_fault(7);
    }
    TEST_CASE("interim answers, and 101 that nobody asked for [fault 8]")
    {
        check_fault(8);
    }
    TEST_CASE("gzip although identity was asked for [fault 16]")
    {
        check_fault(16);
    }
    TEST_CASE("an answer of HTTP/1.0 [fault 17]")
    {
        check_fault(17);
    }
    TEST_CASE("400 with an empty body [fault 18]")
    {
        check_fault(18);
    }

    TEST_CASE("204 and 304 with a body, which is not the next answer [fault 9]")
    {
        check_fault(9);
        for (const Road road : all_roads) {
            for (const std::string odd :
                 {"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nbody",
                  "HTTP/1.1 304 Not Modified\r\n\r\nbody",
                  "HTTP/1.1 204 No Content\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"}) {
                CAPTURE(std::string(name(road)));
                CAPTURE(odd);
                const FakeEngine fake(
                    road,
                    {[&odd](FakePeer& peer) {
                         peer.head();
                         peer.send(odd);
                         peer.stall();
                     },
                     answer(good)}
                );
                Rig rig(fake);
                const auto first = rig.get();
                REQUIRE_MESSAGE(first.has_value(), describe(first.error()));
                CHECK(first->body.empty());
                const auto second = rig.get();
                REQUIRE_MESSAGE(second.has_value(), describe(second.error()));
                CHECK(second->body == "ok");
            }
        }
    }

    TEST_CASE("a redirect, to itself or elsewhere, is not followed [fault 10]")
    {
        check_fault(10);
        for (const Road road : all_roads) {
            for (const int status : {301, 302, 303, 307, 308}) {
                for (const std::string method : {"GET", "HEAD", "POST"}) {
                    CAPTURE(std::string(name(road)));
                    CAPTURE(status);
                    CAPTURE(method);
                    std::atomic<int> requests = 0;
                    const FakeEngine fake(road, {[&](FakePeer& peer) {
                                              while (!peer.head().empty()) {
                                                  ++requests;
                                                  peer.send(
                                                      "HTTP/1.1 " + std::to_string(status)
                                                      + " Moved\r\nLocation: /x\r\nContent-Length: "
                                                        "0\r\n\r\n"
                                                  );
                                              }
                                          }});
                    Rig rig(fake);
                    const auto got = rig.send(Request(method, "/x").unversioned());
                    REQUIRE(!got.has_value());
                    CHECK(got.error().code == Errc::protocol);
                    CHECK(contains(got.error().message, "redirects"));
                    CHECK(requests == 1);
                }
            }
        }
    }

    TEST_CASE("single bytes make the same answer, truncated or not [fault 5] [fault 6] [fault 17]")
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
                check(row, rig.get());
            }
        }
    }

    TEST_CASE("a header makes the same answer wherever it is cut in two [fault 5] [fault 7]")
    {
        for (const auto& row : rows()) {
            if (row.bytes.size() > 1000) continue;
            CAPTURE(row.title);
            engine::ResponseParser at_once(false);
            const auto whole = at_once.feed_head(row.bytes);
            for (std::size_t cut = 0; cut < row.bytes.size(); ++cut) {
                CAPTURE(cut);
                engine::ResponseParser parser(false);
                auto taken = parser.feed_head(std::string_view(row.bytes).substr(0, cut));
                if (taken && *taken == 0) taken = parser.feed_head(row.bytes);
                REQUIRE(taken.has_value() == whole.has_value());
                if (taken) {
                    CHECK(*taken == *whole);
                } else {
                    CHECK(taken.error().message == whole.error().message);
                }
                CHECK(parser.head_complete() == at_once.head_complete());
            }
        }
    }

    TEST_CASE("a header that comes byte by byte and never ends meets the deadline [fault 2]")
    {
        for (const Road road : all_roads) {
            CAPTURE(std::string(name(road)));
            const FakeEngine fake(road, {[](FakePeer& peer) {
                                      peer.head();
                                      peer.send("HTTP/1.1 200 OK\r\nX-Slow: ");
                                      while (peer.send("s")) {
                                          std::this_thread::sleep_for(5ms);
                                      }
                                  }});
            auto options = generous_options();
            options.call_deadlines.total = 200ms;
            Rig rig(fake, options);
            const auto called = rig.get();
            REQUIRE(!called.has_value());
            CHECK_MESSAGE(called.error().code == Errc::timed_out, describe(called.error()));
            CHECK(contains(called.error().message, "200 ms"));

            Rig patient(fake);
            Request request("GET", "/x");
            request.deadline(200ms);
            const auto opened = run(patient.io, patient.transport->open(request));
            REQUIRE(!opened.has_value());
            CHECK_MESSAGE(opened.error().code == Errc::timed_out, describe(opened.error()));
            const auto upgraded = run(patient.io, patient.transport->upgrade(request));
            REQUIRE(!upgraded.has_value());
            CHECK_MESSAGE(upgraded.error().code == Errc::timed_out, describe(upgraded.error()));
        }
    }

    TEST_CASE("a reset before the header, in it, and in the body [fault 12]")
    {
        for (const Road road : all_roads) {
            for (const std::string sent :
                 {"", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"}) {
                CAPTURE(std::string(name(road)));
                CAPTURE(sent);
                // What is not read makes a reset of the end of a unix socket, too.
                const FakeEngine fake(road, {[&sent](FakePeer& peer) {
                                          peer.head();
                                          peer.send(sent);
                                          peer.reset();
                                      }});
                Rig rig(fake);
                Request request("PUT", "/x");
                request.unversioned().body(
                    std::make_shared<PatternSource>(8U << 20U), "application/x-tar"
                );
                const auto got = rig.send(request);
                REQUIRE(!got.has_value());
                const auto code = got.error().code;
                // Over TLS, before the first byte, it may be a refusal of our certificate.
                const bool refusal = road == Road::tls && sent.empty() && code == Errc::unreachable;
                CHECK_MESSAGE(
                    (refusal || code == Errc::io || code == Errc::truncated), describe(got.error())
                );
                CHECK(contains(describe(got.error()), "PUT /x"));
            }
        }
    }

    TEST_CASE("a body without end is refused by send and streamed by open [fault 32]")
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
        CHECK(contains(got.error().message, "more than"));

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

    TEST_CASE("an error's body of any kind and size [fault 18] [fault 19]")
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
            {"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 21\r\n\r\n"
             "{\"message\":\"no such\"}",
             Errc::not_found,
             "no such"},
            {"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n" + closing
                 + "<html>proxy</html>",
             Errc::engine,
             "proxy"},
            {"HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\n" + closing + "{\"message\":",
             Errc::engine,
             "message"},
            {"HTTP/1.1 500 Oops\r\n" + closing + std::string(2U << 20U, 'm'), Errc::engine, "mmm"},
            {"HTTP/1.1 409 Conflict\r\n" + closing + "\xff\xfe\xc3(", Errc::conflict, "("},
        };
        for (const Road road : all_roads) {
            for (const auto& row : refusals) {
                CAPTURE(std::string(name(road)));
                CAPTURE(row.bytes.substr(0, 30));
                const FakeEngine fake(road, {answer_once(row.bytes)});
                Rig rig(fake);
                Request request("GET", "/x");
                const auto opened = run(rig.io, rig.transport->open(request));
                REQUIRE(!opened.has_value());
                const auto called = run(rig.io, engine::Containers(*rig.transport).inspect("c"));
                REQUIRE(!called.has_value());
                for (const Error& error : {opened.error(), called.error()}) {
                    CHECK_MESSAGE(name(error.code) == name(row.code), describe(error));
                    CHECK_MESSAGE(contains(describe(error), row.text), describe(error));
                    CHECK(error.message.size() < 10'000);
                    REQUIRE(error.answer.has_value());
                    CHECK(error.answer->method == "GET");
                }
            }
        }
    }

    TEST_CASE("a refusal whose text is cut off or never comes is still a refusal [fault 19]")
    {
        for (const Road road : all_roads) {
            for (const bool silent : {true, false}) {
                CAPTURE(std::string(name(road)));
                CAPTURE(silent);
                const FakeEngine fake(road, {[=](FakePeer& peer) {
                                          peer.head();
                                          peer.send("HTTP/1.1 404 Not Found\r\nContent-Length: "
                                                    "10\r\n\r\ncut");
                                          if (silent) peer.stall();
                                      }});
                auto options = generous_options();
                if (silent) options.call_deadlines.idle = 300ms;
                Rig rig(fake, options);
                Request request("GET", "/x");
                const auto got = run(rig.io, rig.transport->open(request));
                REQUIRE(!got.has_value());
                CHECK(got.error().code == Errc::not_found);
            }
        }
    }
}
