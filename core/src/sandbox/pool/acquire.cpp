#include "agent/session.hpp"
#include "sandbox/by_exec/lease.hpp"
#include "sandbox/pool/agent_volume.hpp"
#include "sandbox/pool/container.hpp"
#include "sandbox/pool/directory.hpp"
#include "sandbox/pool/key.hpp"
#include "sandbox/pool/lease.hpp"
#include "sandbox/pool/limits.hpp"
#include "sandbox/pool/road.hpp"
#include "sandbox/settle.hpp"

#include <slipway/core/inventory.hpp>
#include <slipway/core/labels.hpp>
#include <slipway/core/lease.hpp>
#include <slipway/engine/child.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/images.hpp>
#include <slipway/engine/pause.hpp>
#include <slipway/engine/volumes.hpp>

#include <boost/asio/this_coro.hpp>

#include <fmt/format.h>

#include <chrono>

namespace slipway::core {

namespace pool {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// How long an agent may take from the start of its container to its first word.
constexpr auto start_deadline = 20s;
// Where the agent sees its client go; a laptop that slept must not lose its job.
constexpr auto seen_lease = std::chrono::hours(24 * 7);
constexpr std::string_view ended_at_once = "the sandbox ended at once";

Task<std::unique_ptr<AgentSession>> greet(
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

// One that has just been started: its agent may not listen yet.
Task<std::unique_ptr<AgentSession>> greet_new(
    engine::Client client,
    Road road,
    std::string container,
    std::filesystem::path socket,
    PoolOptions options
)
{
    const auto until = std::chrono::steady_clock::now() + start_deadline;
    for (auto step = 1ms;; step = std::min<std::chrono::milliseconds>(step * 2, 100ms)) {
        auto session = co_await greet(client, road, container, socket, options);
        if (session) co_return session;
        const Errc code = session.error().code;
        const bool early = code == Errc::unreachable || code == Errc::not_found
                           || code == Errc::truncated || code == Errc::io;
        if (!early || std::chrono::steady_clock::now() > until) co_return session;
        CO_CHECK(co_await check_running(client, container));
        CO_CHECK(co_await engine::pause(step));
    }
}

Task<> create_and_start(engine::Client client, engine::ContainerSpec spec)
{
    engine::Containers containers(client.transport());
    CO_CHECK(co_await containers.create(spec));
    CO_CHECK(co_await containers.start(spec.name));
    co_return ok();
}

// Somebody's who was killed, until his lease runs out. That the engine refuses (the container is
// paused) is another conflict.
bool is_busy(const Error& error)
{
    return error.code == Errc::conflict && !error.answer;
}

// An engine makes an empty volume where the agent's has been removed; another machine may be
// writing it.
bool lacks_agent(const Error& error)
{
    const bool ended = error.message.starts_with(ended_at_once);
    return ended || (error.answer && error.message.find("slipway-agent") != std::string::npos);
}

// No agent for that architecture, or an engine that refuses its volume, whatever its words.
bool cannot_be_had(const Error& error)
{
    if (error.code == Errc::unsupported && !error.answer) return true;
    const bool about_it = error.code != Errc::not_found && error.code != Errc::conflict;
    return about_it && error.answer && error.answer->status >= 400;
}

class Acquisition {
public:
    Acquisition(engine::Client client, SandboxSpec spec, PoolOptions options)
        : client_(std::move(client)), spec_(std::move(spec)), options_(std::move(options))
    {
    }

    /// After a failure: the agent cannot be had there. A connection that was lost says nothing.
    bool no_agent() const noexcept { return no_agent_; }

    Task<std::unique_ptr<Lease>> go()
    {
        CO_TRY(ids_, parse_ids(spec_.user));
        CO_TRY(base_, base_directory(options_.directory));
        CO_TRY(image_, co_await engine::Images(client_.transport()).inspect(spec_.image));
        spec_.image = image_.id;
        CO_TRY(spec_.limits, co_await limits_on(client_, base_, spec_.limits));
        key_ = key(client_.endpoint(), spec_);
        CO_TRY(auto idle, co_await take_idle());
        if (idle) co_return idle;
        co_return co_await make();
    }

private:
    bool fresh_enough(const agent::Welcome& welcome) const
    {
        return !welcome.unclean && welcome.jobs < options_.most_jobs;
    }

    std::unique_ptr<Lease>
    leased(Entry entry, std::unique_ptr<AgentSession> session, Road road, bool warm, bool keep)
    {
        return make_lease(Leased{
            client_,
            std::move(entry),
            std::move(session),
            image_.config,
            ids_,
            road,
            warm,
            keep,
        });
    }

    // One of the pool that is ours now, or nothing.
    Task<std::unique_ptr<Lease>> take_idle()
    {
        for (const auto& directory : entries(base_, key_)) {
            auto entry = Entry::take(directory);
            if (!entry) continue;
            const auto road = entry->road();
            if (road) {
                auto session =
                    co_await greet(client_, *road, entry->container(), entry->socket(), options_);
                if (session && fresh_enough((*session)->welcome())) {
                    co_return leased(*std::move(entry), *std::move(session), *road, true, true);
                }
                if (!session && session.error().code == Errc::cancelled) {
                    co_return fail(std::move(session).error());
                }
                if (!session && is_busy(session.error())) continue;
            }
            // Ended, of another version, unclean, used up, or left by somebody who was killed while
            // he made it.
            const auto removed = co_await remove_sandbox(client_, *entry);
            if (!removed && removed.error().code == Errc::cancelled) {
                co_return fail(removed.error());
            }
        }
        co_return nullptr;
    }

    // Those that were idle longest go, until there is room for one more. False when all are in use.
    Task<bool> make_room()
    {
        auto all = entries(base_, key(client_.endpoint()));
        while (all.size() >= options_.most) {
            bool gone = false;
            for (auto oldest = all.rbegin(); oldest != all.rend() && !gone; ++oldest) {
                const auto entry = Entry::take(*oldest);
                if (!entry) continue;
                const auto removed = co_await remove_sandbox(client_, *entry);
                if (!removed && removed.error().code == Errc::cancelled) {
                    co_return fail(removed.error());
                }
                std::error_code failed;
                gone = removed && !std::filesystem::exists(*oldest, failed);
            }
            if (!gone) co_return false;
            all = entries(base_, key(client_.endpoint()));
        }
        co_return true;
    }

    Task<std::unique_ptr<Lease>> make()
    {
        // Nobody else looks after what a client that was killed has left.
        const auto swept = co_await clean_up(client_, base_, Clean::left_behind);
        if (!swept && swept.error().code == Errc::cancelled) co_return fail(swept.error());
        CO_TRY(const bool keep, co_await make_room());
        CO_TRY(const Road road, co_await best_road(client_, base_));
        CO_TRY(Entry entry, Entry::make(base_, key_, unique_name(purpose)));
        auto session = co_await start(entry, road);
        if (session) {
            const auto noted = entry.set_road(road);
            if (!noted) session = fail(noted.error());
        }
        if (!session) {
            forget_road(client_, base_); // the next one asks again
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            const auto gone = co_await remove_sandbox(client_, entry);
            co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation()
            );
            if (!gone && session.error().hint.empty()) {
                session.error().hint =
                    "the container " + entry.container() + " may still be on the engine";
            }
            co_return fail(std::move(session).error());
        }
        co_return leased(std::move(entry), *std::move(session), road, false, keep);
    }

    Task<std::unique_ptr<AgentSession>> start(const Entry& entry, Road road)
    {
        for (bool again = false;; again = true) {
            auto filled = co_await agent_volume(client_, base_, image_.id, image_.architecture);
            no_agent_ = !filled && cannot_be_had(filled.error());
            CO_TRY(const std::string volume, std::move(filled));
            engine::ContainerSpec spec =
                container_spec(spec_, options_, entry, volume, pool_mark(base_), road);
            const auto executor = co_await asio::this_coro::executor;
            engine::Child starting(executor, create_and_start(client_, std::move(spec)));
            const Settled started = co_await settle(starting);
            if (started.interrupted) co_return fail(Errc::cancelled, "interrupted");
            Result<std::unique_ptr<AgentSession>> session = fail(Errc::internal, "");
            if (started.result) {
                session =
                    co_await greet_new(client_, road, entry.container(), entry.socket(), options_);
            } else {
                session = fail(started.result.error());
            }
            const bool without = !session && lacks_agent(session.error());
            no_agent_ = without && again;
            if (!without || again) co_return session;
            CO_CHECK(co_await forget(entry, volume));
        }
    }

    Task<> forget(const Entry& entry, std::string volume)
    {
        const auto gone =
            co_await engine::Containers(client_.transport()).discard(entry.container());
        if (!gone && gone.error().code != Errc::not_found) co_return fail(gone.error());
        forget_agent_volume(base_, client_);
        const auto removed = co_await engine::Volumes(client_.transport()).remove(volume, false);
        const bool used = !removed && removed.error().code == Errc::conflict; // then it is whole
        if (!removed && !used) co_return fail(removed.error());
        co_return ok();
    }

    engine::Client client_;
    SandboxSpec spec_;
    PoolOptions options_;
    Ids ids_;
    std::filesystem::path base_;
    engine::ImageInfo image_;
    std::string key_;
    bool no_agent_ = false;
};

Task<std::unique_ptr<Lease>>
acquire_here(engine::Client client, SandboxSpec spec, PoolOptions options)
{
    constexpr const char* doing = "acquiring a sandbox";
    CO_CHECK(during(check(spec), doing));
    if (!options.agent) {
        co_return during(co_await by_exec::acquire(client, spec, options), doing);
    }
    Acquisition acquisition(client, spec, options);
    auto lease = co_await acquisition.go();
    if (lease || !acquisition.no_agent()) co_return during(std::move(lease), doing);
    const std::string why = describe(lease.error());
    co_return during(
        co_await by_exec::acquire(client, spec, options), "without the agent, as " + why
    );
}

} // namespace
} // namespace pool

Task<std::unique_ptr<Lease>> acquire(engine::Client client, SandboxSpec spec, PoolOptions options)
{
    return pool::acquire_here(std::move(client), std::move(spec), std::move(options));
}

} // namespace slipway::core
