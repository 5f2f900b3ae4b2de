#include "sandbox/pool/start.hpp"

#include "sandbox/pool/road.hpp"
#include "sandbox/settle.hpp"

#include <slipway/engine/containers.hpp>
#include <slipway/engine/pause.hpp>

#include <boost/asio/this_coro.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace slipway::core::pool {

using namespace std::chrono_literals;

namespace {

// How long an agent may take from the start of its container to its first word.
constexpr auto start_deadline = 20s;
// Where the agent sees its client go; a laptop that slept must not lose its job.
constexpr auto seen_lease = std::chrono::hours(24 * 7);
constexpr std::string_view ended_at_once = "the sandbox ended at once";

Task<std::unique_ptr<AgentSession>> greet_at(
    engine::Client client,
    Road road,
    std::string container,
    std::filesystem::path socket,
    PoolOptions options
)
{
    CO_TRY(auto stream, co_await open_road(client, road, std::move(container), std::move(socket)));
    SessionOptions session;
    session.lease = road == Road::attach ? options.lease : seen_lease;
    session.shared_stream = road == Road::attach;
    co_return co_await AgentSession::open(std::move(stream), session);
}

// Why the container of a sandbox does not answer, when it has ended.
Task<> check_running(engine::Client client, std::string container)
{
    CO_TRY(
        const engine::ContainerInfo info,
        co_await engine::Containers(client.transport()).inspect(container)
    );
    if (info.state.running) co_return ok();
    co_return fail(
        Errc::engine,
        fmt::format(
            "{}, with exit code {}{}",
            ended_at_once,
            info.state.exit_code,
            info.state.error.empty() ? "" : ": " + info.state.error
        )
    );
}

Task<std::unique_ptr<AgentSession>> greet_started(
    engine::Client client,
    Road road,
    std::string container,
    std::filesystem::path socket,
    PoolOptions options
)
{
    const auto until = std::chrono::steady_clock::now() + start_deadline;
    for (auto step = 1ms;; step = std::min<std::chrono::milliseconds>(step * 2, 100ms)) {
        auto session = co_await greet_at(client, road, container, socket, options);
        if (session) co_return session;
        const Errc code = session.error().code;
        const bool early = code == Errc::unreachable || code == Errc::not_found
                           || code == Errc::truncated || code == Errc::io;
        if (!early || std::chrono::steady_clock::now() > until) co_return session;
        CO_CHECK(co_await check_running(client, container));
        CO_CHECK(co_await engine::pause(step));
    }
}

Task<> create_then_start(engine::Client client, engine::ContainerSpec spec)
{
    engine::Containers containers(client.transport());
    CO_CHECK(co_await containers.create(spec));
    CO_CHECK(co_await containers.start(spec.name));
    co_return ok();
}

} // namespace

Task<std::unique_ptr<AgentSession>>
greet(engine::Client client, Road road, const Entry& entry, PoolOptions options)
{
    return greet_at(std::move(client), road, entry.container(), entry.socket(), std::move(options));
}

Task<std::unique_ptr<AgentSession>>
greet_new(engine::Client client, Road road, const Entry& entry, PoolOptions options)
{
    return greet_started(
        std::move(client), road, entry.container(), entry.socket(), std::move(options)
    );
}

Task<> create_and_start(engine::Client client, engine::ContainerSpec spec)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    engine::Child starting(executor, create_then_start(std::move(client), std::move(spec)));
    const Settled started = co_await settle(starting);
    if (started.interrupted) co_return fail(Errc::cancelled, "interrupted");
    co_return started.result;
}

// An engine makes an empty volume where the agent's has been removed; another machine may be
// writing it.
bool lacks_agent(const Error& error)
{
    const bool ended = error.message.starts_with(ended_at_once);
    return ended || (error.answer && error.message.find("slipway-agent") != std::string::npos);
}

bool cannot_be_had(const Error& error)
{
    if (error.code == Errc::unsupported && !error.answer) return true;
    const bool about_it = error.code != Errc::not_found && error.code != Errc::conflict;
    return about_it && error.answer && error.answer->status >= 400;
}

bool will_last(const Error& error)
{
    return lacks_agent(error) || (cannot_be_had(error) && error.code != Errc::engine);
}

} // namespace slipway::core::pool
