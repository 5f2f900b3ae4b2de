#pragma once

#include "http/http_transport.hpp"
#include "support/fake_engine.hpp"
#include "support/run.hpp"

#include <slipway/engine/client.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/this_coro.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace slipway::test {

using engine::HttpTransport;
using engine::Request;
using engine::Response;

inline constexpr Road all_roads[] = {Road::unix_socket, Road::tcp, Road::tls};

/// Runs all parts at the same time, for cases that have to wait. What a REQUIRE throws ends its
/// part alone, and the case when all have ended.
inline void at_once(const std::vector<std::function<void()>>& parts)
{
    std::vector<std::exception_ptr> thrown(parts.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        threads.emplace_back([&, i] {
            try {
                parts[i]();
            } catch (...) {
                thrown[i] = std::current_exception();
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    for (const auto& failure : thrown) {
        if (failure) std::rethrow_exception(failure);
    }
}

/// The same with one part for each road.
inline void on_all_roads_at_once(const std::function<void(Road)>& body)
{
    std::vector<std::function<void()>> parts;
    for (const Road road : all_roads) {
        parts.emplace_back([&body, road] {
            CAPTURE(std::string(name(road)));
            body(road);
        });
    }
    at_once(parts);
}

// Far above what a healthy case takes, so that a hang is an error and not the end of the program.
inline constexpr std::chrono::milliseconds generous{20'000};

inline engine::ClientOptions generous_options()
{
    engine::ClientOptions options;
    options.connect_deadline = generous;
    options.call_deadlines = {generous, generous, generous};
    return options;
}

/// A transport to a fake engine, with the io_context that drives it.
struct Rig {
    explicit Rig(const FakeEngine& fake, engine::ClientOptions options = generous_options())
        : transport(
            std::make_shared<HttpTransport>(io.get_executor(), fake.endpoint(), std::move(options))
        )
    {
    }
    Result<Response> send(Request request) { return run(io, transport->send(std::move(request))); }
    Result<Response> get() { return send(Request("GET", "/x").unversioned()); }

    boost::asio::io_context io;
    std::shared_ptr<HttpTransport> transport;
};

/// An engine that takes a request's head and then does nothing at all.
inline void falls_silent(FakePeer& peer)
{
    peer.head();
    peer.stall();
}

inline Result<std::string> read_all(boost::asio::io_context& io, engine::ByteSource& source)
{
    std::string out;
    engine::StringSink sink(out);
    auto moved = run(io, engine::copy(source, sink));
    if (!moved) return fail(std::move(moved).error());
    return out;
}

inline std::size_t open_descriptors()
{
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// A fake engine needs a moment to see that we have gone: waits for the count to come down to it.
inline bool descriptors_come_back_to(std::size_t count)
{
    for (int i = 0; i < 2000 && open_descriptors() > count; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return open_descriptors() <= count;
}

/// Gives `total` bytes of a pattern, then ends or fails.
class PatternSource final : public engine::ByteSource {
public:
    explicit PatternSource(std::size_t total, std::optional<Error> failure = {})
        : left_(total), failure_(std::move(failure))
    {
    }
    Task<std::size_t> read(std::span<char> into) override
    {
        const std::size_t n = std::min(left_, into.size());
        if (n == 0 && failure_) co_return fail(*failure_);
        std::fill_n(into.begin(), n, 'p');
        left_ -= n;
        co_return n;
    }

private:
    std::size_t left_;
    std::optional<Error> failure_;
};

inline bool contains(std::string_view text, std::string_view part)
{
    return text.find(part) != std::string_view::npos;
}

} // namespace slipway::test
