#include "home.hpp"
#include "support/run.hpp"

#include <slipway/engine/discovery.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace slipway;
using namespace slipway::engine;
using namespace std::chrono_literals;
using slipway::test::Home;
using slipway::test::run;

namespace asio = boost::asio;
using asio::local::stream_protocol;

namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
constexpr auto soon = 30ms;
constexpr auto never = 1h; // whoever waits for this runs into the time limit of the test program

bool says(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

std::vector<Candidate> places(const std::vector<std::string>& urls)
{
    std::vector<Candidate> out;
    for (const std::string& url : urls) {
        Candidate candidate;
        candidate.endpoint = parse_endpoint(url).value();
        candidate.source = "test";
        out.push_back(std::move(candidate));
    }
    return out;
}

Result<Traits> podman()
{
    Traits traits;
    traits.kind = EngineKind::podman;
    traits.api = {1, 41};
    return traits;
}

// Answers with the result that stands under the host's name; "mute" never does.
Task<Traits> scripted(Endpoint endpoint)
{
    if (endpoint.host == "good") co_return podman();
    if (endpoint.host == "mute") {
        asio::steady_timer timer(co_await asio::this_coro::executor, never);
        co_await timer.async_wait(asio::use_awaitable);
    }
    if (endpoint.host == "throws") throw std::logic_error("a bug");
    co_return fail(Errc::protocol, "no engine at " + endpoint.host);
}

// A real conversation over a socket, as far as it shows who is there: connect, write, read.
Task<Traits> real_ping(Endpoint endpoint)
{
    stream_protocol::socket socket(co_await asio::this_coro::executor);
    const stream_protocol::endpoint peer(endpoint.socket_path);
    const auto [failed] = co_await socket.async_connect(peer, as_values);
    if (failed) {
        Error error(Errc::unreachable, failed.message());
        error.cause = failed;
        co_return fail(std::move(error));
    }
    std::string answer(2, ' ');
    const auto [ended, count] = co_await asio::async_read(socket, asio::buffer(answer), as_values);
    if (ended) co_return fail(Errc::protocol, ended.message());
    co_return podman();
}

} // namespace

TEST_SUITE("engine.discovery.ask")
{
    TEST_CASE("rows stand in the order of the candidates, each with its state")
    {
        const auto rows = run(
            ask(places({"tcp://bad", "unix:///nowhere/a.sock", "tcp://good", "tcp://mute"}),
                scripted,
                soon)
        );
        REQUIRE(rows.has_value());
        REQUIRE(rows->size() == 4);
        CHECK((*rows)[0].state == ProbeState::not_an_engine);
        CHECK((*rows)[0].detail == "no engine at bad");
        CHECK((*rows)[0].url() == "tcp://bad:2375");
        CHECK((*rows)[1].state == ProbeState::absent);
        CHECK((*rows)[2].state == ProbeState::answered);
        CHECK((*rows)[2].detail == "podman, API 1.41");
        CHECK((*rows)[2].hint.empty());
        REQUIRE((*rows)[2].traits);
        CHECK((*rows)[2].traits->kind == EngineKind::podman);
        CHECK((*rows)[3].state == ProbeState::timed_out);
        CHECK(says((*rows)[3].detail, "30 ms"));
    }

    TEST_CASE("no candidates give no rows")
    {
        CHECK(run(ask({}, scripted, never))->empty());
    }

    TEST_CASE("real sockets: one that answers, one that is silent, one without a listener, none")
    {
        Home home;
        const auto url = [&](const char* name) { return "unix://" + (home.path / name).string(); };
        asio::io_context io;
        stream_protocol::acceptor answering(io, (home.path / "answering").string());
        stream_protocol::acceptor silent(io, (home.path / "silent").string());
        stream_protocol::acceptor(io, (home.path / "left").string()).close();
        stream_protocol::socket peer(io);
        answering.async_accept(peer, [&](boost::system::error_code failed) {
            REQUIRE_FALSE(failed);
            asio::write(peer, asio::buffer("OK", 2));
        });
        std::vector<std::string> urls{url("answering"), url("left"), url("absent")};
#ifdef __linux__
        urls.push_back("unix://@slipway-test-nobody-listens-here");
#endif
        const auto rows = run(io, ask(places(urls), real_ping, never));
        REQUIRE(rows.has_value());
        CHECK((*rows)[0].state == ProbeState::answered);
        CHECK((*rows)[1].state == ProbeState::refused);
        CHECK((*rows)[2].state == ProbeState::absent);
        CHECK_FALSE((*rows)[2].error); // nobody connected to find out
        if (rows->size() > 3) CHECK((*rows)[3].state == ProbeState::refused);

        const auto mute = run(io, ask(places({url("silent")}), real_ping, soon));
        REQUIRE(mute.has_value());
        CHECK(mute->front().state == ProbeState::timed_out);
    }

    TEST_CASE("all are asked at the same time")
    {
        // Each answers only when all have been asked.
        int asked = 0;
        const Ping together = [&](Endpoint) -> Task<Traits> {
            ++asked;
            asio::steady_timer timer(co_await asio::this_coro::executor);
            while (asked < 5) {
                timer.expires_after(1ms);
                co_await timer.async_wait(asio::use_awaitable);
            }
            co_return podman();
        };
        const auto rows = run(
            ask(places({"tcp://a", "tcp://b", "tcp://c", "tcp://d", "tcp://e"}), together, never)
        );
        REQUIRE(rows.has_value());
        for (const Probed& row : *rows) {
            CHECK(row.state == ProbeState::answered);
        }
    }

    TEST_CASE("a ping that does not heed its cancellation is not waited for")
    {
        asio::io_context io;
        asio::steady_timer release(io, never);
        bool ended = false;
        const Ping stubborn = [&](Endpoint) -> Task<Traits> {
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            co_await release.async_wait(as_values);
            ended = true;
            co_return podman();
        };
        const auto scenario = [&]() -> Task<> {
            std::vector<Candidate> one = places({"tcp://a"});
            CO_TRY(const std::vector<Probed> rows, co_await ask(std::move(one), stubborn, soon));
            CHECK(rows.at(0).state == ProbeState::timed_out);
            CHECK_FALSE(ended);
            release.cancel();
            co_return ok();
        };
        CHECK(run(io, scenario()).has_value());
        CHECK(ended);
    }

    TEST_CASE("cancelling ends the asking and its pings")
    {
        asio::io_context io;
        asio::cancellation_signal stop;
        int asked = 0;
        int ended = 0;
        const Ping mute = [&](Endpoint) -> Task<Traits> {
            if (++asked == 2) asio::post(io, [&] { stop.emit(asio::cancellation_type::terminal); });
            asio::steady_timer timer(io, never);
            co_await timer.async_wait(as_values);
            ++ended;
            co_return fail(Errc::cancelled, "cancelled");
        };
        std::optional<Result<std::vector<Probed>>> out;
        asio::co_spawn(
            io,
            ask(places({"tcp://a", "tcp://b"}), mute, never),
            asio::bind_cancellation_slot(
                stop.slot(),
                [&](std::exception_ptr thrown, Result<std::vector<Probed>> result) {
                    CHECK_FALSE(thrown);
                    out.emplace(std::move(result));
                }
            )
        );
        io.run();
        REQUIRE(out);
        REQUIRE_FALSE(out->has_value());
        CHECK(out->error().code == Errc::cancelled);
        CHECK(ended == 2);
    }

    TEST_CASE("an exception of a ping, which is a bug, reaches the caller")
    {
        CHECK_THROWS_AS(
            run(ask(places({"tcp://mute", "tcp://throws"}), scripted, never)), std::logic_error
        );
    }

    TEST_CASE("an executor with many threads will do")
    {
        asio::thread_pool pool(4);
        const std::vector<std::string> urls(40, "tcp://good");
        auto rows =
            asio::co_spawn(pool, ask(places(urls), scripted, never), asio::use_future).get();
        pool.join();
        REQUIRE(rows.has_value());
        REQUIRE(rows->size() == urls.size());
        for (const Probed& row : *rows) {
            CHECK(row.state == ProbeState::answered);
        }
    }

    TEST_CASE("an asking whose io_context goes away leaves nothing behind")
    {
        std::optional<asio::io_context> io(std::in_place);
        asio::co_spawn(
            *io,
            ask(places({"tcp://mute", "tcp://good"}), scripted, never),
            [](std::exception_ptr, Result<std::vector<Probed>>) { FAIL("it has not ended"); }
        );
        io->poll();
        io.reset(); // the address sanitizer looks at this
    }
}

TEST_SUITE("engine.discovery.discover")
{
    TEST_CASE("an explicit choice that is silent is an error, though another engine answers")
    {
        Home home;
        home.set("DOCKER_HOST", "tcp://bad");
        home.set("XDG_RUNTIME_DIR", home.path.string());
        asio::io_context io;
        stream_protocol::acceptor other(io, (home.path / "docker.sock").string());
        std::vector<std::string> asked;
        const Ping ping = [&](Endpoint endpoint) -> Task<Traits> {
            asked.push_back(to_string(endpoint));
            return scripted(std::move(endpoint));
        };
        const auto found = run(io, discover(home.environment, {}, ping, soon));
        REQUIRE_FALSE(found.has_value());
        CHECK(found.error().code == Errc::unreachable);
        CHECK(says(found.error().message, "tcp://bad:2375 (DOCKER_HOST): no engine at bad"));
        CHECK_FALSE(found.error().hint.empty());
        CHECK(asked == std::vector<std::string>{"tcp://bad:2375"});
    }

    TEST_CASE("an explicit choice that answers is found")
    {
        Home home;
        const auto found = run(discover(home.environment, "tcp://good:99", scripted, never));
        REQUIRE(found.has_value());
        CHECK(to_string(found->candidate.endpoint) == "tcp://good:99");
        CHECK(found->candidate.source == "--host");
        CHECK(found->traits.kind == EngineKind::podman);
        CHECK(found->passed_over.empty());
    }

    TEST_CASE("a choice that cannot be understood asks nobody")
    {
        Home home;
        const Ping ping = [](Endpoint) -> Task<Traits> { throw std::logic_error("asked"); };
        const auto found = run(discover(home.environment, "tcp://h:abc", ping, never));
        REQUIRE_FALSE(found.has_value());
        CHECK(found.error().code == Errc::invalid_argument);
        CHECK(says(describe(found.error()), "--host"));
    }

    TEST_CASE("the first in order is taken, though another answers sooner, and mute ones after it "
              "are not waited for")
    {
        Home home;
        home.set("XDG_RUNTIME_DIR", home.path.string());
        std::filesystem::create_directories(home.path / "podman");
        std::filesystem::create_directories(home.path / ".rd");
        asio::io_context io;
        const std::string first = (home.path / "docker.sock").string();
        const std::string second = (home.path / "podman/podman.sock").string();
        const std::string third = (home.path / ".rd/docker.sock").string();
        stream_protocol::acceptor one(io, first);
        stream_protocol::acceptor two(io, second);
        stream_protocol::acceptor three(io, third);
        bool second_answered = false;
        const Ping ping = [&](Endpoint endpoint) -> Task<Traits> {
            asio::steady_timer timer(io);
            if (endpoint.socket_path == first) {
                while (!second_answered) {
                    timer.expires_after(1ms);
                    co_await timer.async_wait(asio::use_awaitable);
                }
                co_return podman();
            }
            if (endpoint.socket_path == second) {
                second_answered = true;
                co_return podman();
            }
            if (endpoint.socket_path == third) {
                timer.expires_after(never);
                co_await timer.async_wait(as_values);
            }
            co_return fail(
                Errc::protocol, "an engine of this machine, which the test leaves alone"
            );
        };
        auto found = run(io, discover(home.environment, {}, ping, never));
        REQUIRE(found.has_value());
        CHECK(found->candidate.endpoint.socket_path == first);
        REQUIRE_FALSE(found->passed_over.empty());
        CHECK(found->passed_over[0].url() == "unix:///var/run/docker.sock");

        // When the first is gone, the next one in order takes its place.
        std::filesystem::remove(first);
        found = run(io, discover(home.environment, {}, ping, never));
        REQUIRE(found.has_value());
        CHECK(found->candidate.endpoint.socket_path == second);
        CHECK(found->passed_over.back().state != ProbeState::answered);
    }

    TEST_CASE("when nobody answers, the error says what was met")
    {
        Home home;
        home.set("XDG_RUNTIME_DIR", home.path.string());
        asio::io_context io;
        stream_protocol::acceptor silent(io, (home.path / "docker.sock").string());
        const Ping ping = [&](Endpoint endpoint) -> Task<Traits> {
            if (endpoint.socket_path.starts_with(home.path.string())) {
                return real_ping(std::move(endpoint));
            }
            return scripted(std::move(endpoint));
        };
        const auto found = run(io, discover(home.environment, {}, ping, soon));
        REQUIRE_FALSE(found.has_value());
        CHECK(found.error().code == Errc::unreachable);
        CHECK(says(
            found.error().message, "docker.sock (default socket (docker, rootless)): no answer"
        ));
        CHECK_FALSE(found.error().hint.empty());
    }
}
