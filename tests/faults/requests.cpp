#include "support/live.hpp"
#include "unit/transport/support.hpp"

#include <slipway/engine/child.hpp>
#include <slipway/engine/exec.hpp>

#include <boost/asio/detached.hpp>

#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cstdlib>
#include <stdexcept>

using namespace slipway;
using namespace slipway::test;
using namespace std::chrono_literals;

namespace {

const std::string good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class ThrowingSource final : public engine::ByteSource {
public:
    Task<std::size_t> read(std::span<char> into) override
    {
        if (std::exchange(begun_, true)) throw std::runtime_error("a bug of the caller");
        into[0] = 'x';
        co_return std::size_t{1};
    }

private:
    bool begun_ = false;
};

// Answers calls for /x, and whatever else with a stream that never ends.
void answers_calls_and_streams(FakePeer& peer)
{
    while (contains(peer.head(), "/x ")) {
        peer.send(good);
    }
    peer.send("HTTP/1.1 200 OK\r\n\r\nendless");
    peer.stall();
}

// An engine for execs: create, start (a little output), inspect.
void serve_execs(FakePeer& peer)
{
    const std::string frame("\x01\0\0\0\0\0\0\x03out", 11);
    for (auto head = peer.head(); !head.empty(); head = peer.head()) {
        const auto at = head.find("Content-Length: ");
        if (at != std::string::npos) peer.read(std::stoul(head.substr(at + 16)));
        if (contains(head, "/start ")) {
            peer.send("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
            std::this_thread::sleep_for(5ms); // so that many are under way at a time
            peer.send(frame);
            return;
        }
        const std::string body =
            contains(head, "POST") ? R"({"Id":"e"})" : R"({"ID":"e","Running":false,"ExitCode":0})";
        peer.send(
            "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body
        );
    }
}

Task<> one_exec(std::shared_ptr<HttpTransport> transport)
{
    engine::Execs execs(*transport);
    engine::ExecSpec spec;
    spec.cmd = {"true"};
    CO_TRY(const auto id, co_await execs.create("c", spec));
    {
        CO_TRY(const auto stream, co_await execs.start(id));
        std::string all;
        engine::StringSink sink(all);
        CO_CHECK(co_await engine::copy(*stream, sink));
        if (all.size() != 11) co_return fail(Errc::internal, "the output is not all there");
    }
    CO_TRY(const auto info, co_await execs.inspect(id));
    if (info.exit_code != 0) co_return fail(Errc::internal, "not the exit code");
    co_return ok();
}

const char* const socket_variable = "SLIPWAY_TEST_EXECS_SOCKET";

} // namespace

TEST_SUITE("faults.requests")
{
    TEST_CASE("an engine that closes after a part of the request [fault 11]")
    {
        for (const Road road : all_roads) {
            for (const std::string method : {"GET", "POST", "PUT"}) {
                CAPTURE(std::string(name(road)));
                CAPTURE(method);
                const FakeEngine fake(road, {[](FakePeer& peer) { peer.read(10); }});
                Rig rig(fake);
                Request request(method, "/x");
                request.unversioned();
                if (method == "POST") request.json("{}");
                if (method == "PUT") {
                    request.body(std::make_shared<PatternSource>(8U << 20U), "application/x-tar");
                }
                const auto got = rig.send(request);
                REQUIRE(!got.has_value());
                const auto code = got.error().code;
                // Over TLS, before the first byte, it may be a refusal of our certificate.
                CHECK_MESSAGE(
                    (code == Errc::io || (road == Road::tls && code == Errc::unreachable)),
                    describe(got.error())
                );
                CHECK(fake.connections() == 1); // nobody knows whether it was carried out
            }
        }
    }

    TEST_CASE("an engine that never says 100 Continue is not waited for [fault 14]")
    {
        for (const Road road : all_roads) {
            CAPTURE(std::string(name(road)));
            std::string head;
            FakeEngine fake(road, {[&head](FakePeer& peer) {
                                head = peer.head();
                                peer.read_to("\r\n0\r\n\r\n");
                                peer.send(good);
                            }});
            {
                Rig rig(fake);
                Request request("PUT", "/x");
                request.body(std::make_shared<PatternSource>(1U << 20U), "application/x-tar");
                const auto got = rig.send(request);
                REQUIRE_MESSAGE(got.has_value(), describe(got.error()));
            }
            fake.settle();
            CHECK(!contains(head, "Expect"));
        }
    }

    TEST_CASE("a source that throws ends the request without its last chunk [fault 63]")
    {
        for (const Road road : all_roads) {
            CAPTURE(std::string(name(road)));
            std::string body;
            FakeEngine fake(
                road,
                {[&body](FakePeer& peer) {
                     peer.head();
                     body = peer.read_to_end();
                     peer.send(good);
                 },
                 answer(good)}
            );
            {
                Rig rig(fake);
                Request request("PUT", "/x");
                request.body(std::make_shared<ThrowingSource>(), "application/x-tar");
                const auto got = rig.send(request);
                REQUIRE(!got.has_value());
                CHECK(got.error().code == Errc::internal);
                CHECK(contains(got.error().message, "a bug of the caller"));
                CHECK(rig.get().has_value());
            }
            fake.settle();
            CHECK(body == "1\r\nx\r\n");
        }
    }

    TEST_CASE("connections that are kept for later calls make room for a stream [fault 64]")
    {
        const FakeEngine fake(Road::unix_socket, {[](FakePeer& peer) {
                                  std::this_thread::sleep_for(50ms); // so that calls overlap
                                  answers_calls_and_streams(peer);
                              }});
        auto options = generous_options();
        options.max_connections = 8;
        options.connect_deadline = 2'000ms;
        Rig rig(fake, options);
        std::vector<std::unique_ptr<engine::ResponseStream>> streams;
        for (int i = 0; i < 6; ++i) {
            int answered = 0;
            for (int call = 0; call < 8 - i; ++call) {
                boost::asio::co_spawn(
                    rig.io,
                    rig.transport->send(Request("GET", "/x").unversioned()),
                    [&](std::exception_ptr, const auto& got) { answered += got.has_value(); }
                );
            }
            rig.io.restart();
            rig.io.run_for(generous);
            CHECK(answered == 8 - i);
            auto opened = run(rig.io, rig.transport->open(Request("GET", "/stream")));
            REQUIRE_MESSAGE(opened.has_value(), describe(opened.error()));
            streams.push_back(*std::move(opened));
        }
    }

    TEST_CASE("no more connections than allowed; who waits in vain is told [fault 64]")
    {
        const FakeEngine fake(Road::unix_socket, {answers_calls_and_streams});
        auto options = generous_options();
        options.max_connections = 4;
        options.connect_deadline = 2'000ms;
        Rig rig(fake, options);
        const Request stream("GET", "/stream");
        std::vector<std::unique_ptr<engine::ResponseStream>> streams;
        for (int i = 0; i < 3; ++i) {
            auto opened = run(rig.io, rig.transport->open(stream));
            REQUIRE_MESSAGE(opened.has_value(), describe(opened.error()));
            streams.push_back(*std::move(opened));
        }
        const auto fourth = run(rig.io, rig.transport->open(stream));
        REQUIRE(!fourth.has_value());
        CHECK(fourth.error().code == Errc::timed_out);
        CHECK(contains(fourth.error().message, "all 3 connections"));
        CHECK(contains(fourth.error().message, "with streams"));
        CHECK(contains(fourth.error().hint, "close streams"));
        CHECK(rig.get().has_value()); // calls have one of their own
        CHECK(rig.get().has_value());

        // The time of the whole call counts while it waits.
        Request hasty = stream;
        hasty.deadlines({{}, {}, std::chrono::milliseconds(50)});
        const auto late = run(rig.io, rig.transport->open(hasty));
        REQUIRE(!late.has_value());
        CHECK(late.error().message == "not finished within 50 ms (total deadline)");

        // One that waits gets the place of one that goes, or that is closed and kept.
        std::optional<bool> opened;
        boost::asio::co_spawn(
            rig.io,
            rig.transport->open(stream),
            [&](std::exception_ptr, const auto& result) { opened = result.has_value(); }
        );
        rig.io.restart();
        rig.io.run_for(20ms);
        CHECK(!opened.has_value());
        streams.back()->close();
        rig.io.run_for(generous);
        CHECK(opened == true);
        streams.pop_back();

        // And one that is cancelled while it waits leaves the queue.
        opened.reset();
        streams.push_back(*run(rig.io, rig.transport->open(stream)));
        const auto wait_in_vain = [&]() -> Task<> {
            CO_CHECK(co_await rig.transport->open(stream));
            co_return ok();
        };
        engine::Child waiter(rig.io.get_executor(), wait_in_vain());
        rig.io.restart();
        rig.io.run_for(20ms);
        waiter.cancel();
        const auto ended = run(rig.io, waiter.join());
        REQUIRE(!ended.has_value());
        CHECK(ended.error().code == Errc::cancelled);
    }

    // What the next case starts in a process of its own, where descriptors are few.
    TEST_CASE("the client of a thousand execs" * doctest::skip())
    {
        const char* const path = std::getenv(socket_variable); // NOLINT(concurrency-mt-unsafe)
        REQUIRE(path != nullptr);
        const rlimit few{64, 64};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
        engine::Endpoint endpoint;
        endpoint.socket_path = path;
        boost::asio::io_context io;
        auto transport =
            std::make_shared<HttpTransport>(io.get_executor(), endpoint, generous_options());
        int done = 0;
        for (int i = 0; i < 1000; ++i) {
            boost::asio::co_spawn(
                io,
                one_exec(transport),
                [&](std::exception_ptr thrown, Result<> result) {
                    CHECK(!thrown);
                    CHECK_MESSAGE(result.has_value(), describe(result.error()));
                    ++done;
                }
            );
        }
        io.run();
        CHECK(done == 1000);
        transport.reset();

        // Without the limit of connections the system's own is an error that says what to do.
        auto options = generous_options();
        options.max_connections = 1000;
        transport = std::make_shared<HttpTransport>(io.get_executor(), endpoint, options);
        int refused = 0;
        for (int i = 0; i < 200; ++i) {
            boost::asio::co_spawn(
                io,
                one_exec(transport),
                [&](std::exception_ptr, Result<> result) {
                    if (result) return;
                    ++refused;
                    CHECK(result.error().code == Errc::io);
                    CHECK_MESSAGE(
                        contains(result.error().hint, "ulimit -n"), describe(result.error())
                    );
                }
            );
        }
        io.restart();
        io.run();
        CHECK(refused > 0);
    }

    TEST_CASE("a thousand execs at once with 64 descriptors [fault 64]")
    {
        const FakeEngine fake(Road::unix_socket, {serve_execs});
        const std::string path = fake.endpoint().socket_path;
        ::setenv(socket_variable, path.c_str(), 1); // NOLINT(concurrency-mt-unsafe)
        std::string self = "/proc/self/exe";
        std::string which = "--test-case=the client of a thousand execs";
        std::string skipped_too = "--no-skip";
        char* arguments[] = {self.data(), which.data(), skipped_too.data(), nullptr};
        pid_t child = -1;
        REQUIRE(::posix_spawn(&child, self.c_str(), nullptr, nullptr, arguments, environ) == 0);
        int status = -1;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
        CHECK(fake.connections() > 1000); // it was there
    }
}
