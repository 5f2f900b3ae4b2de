#include "agent/session.hpp"
#include "sandbox/by_exec/lease.hpp"
#include "sandbox/pool/agent_volume.hpp"
#include "sandbox/pool/container.hpp"
#include "sandbox/pool/directory.hpp"
#include "sandbox/pool/key.hpp"
#include "sandbox/pool/lease.hpp"
#include "sandbox/pool/limits.hpp"
#include "sandbox/pool/named.hpp"
#include "sandbox/pool/road.hpp"
#include "sandbox/pool/start.hpp"
#include "sandbox/remove.hpp"
#include "sandbox/settle.hpp"

#include <slipway/core/inventory.hpp>
#include <slipway/core/labels.hpp>
#include <slipway/core/lease.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/images.hpp>
#include <slipway/engine/volumes.hpp>

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <set>

namespace slipway::core {

namespace pool {
namespace {

namespace asio = boost::asio;

// Somebody's who was killed, until his lease runs out. That the engine refuses (the container is
// paused) is another conflict.
bool is_busy(const Error& error)
{
    return error.code == Errc::conflict && !error.answer;
}

// Somebody else has made a container of that name.
bool is_taken(const Error& error)
{
    return error.code == Errc::conflict && error.answer
           && error.message.find("in use") != std::string::npos;
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
        CO_CHECK(co_await prepare());
        switch (options_.policy) {
        case LeasePolicy::fresh:
            key_ = key(client_.endpoint()) + fresh_mark;
            options_.idle = options_.lease; // of a client that was killed, nobody takes it over
            co_return co_await make();
        case LeasePolicy::persistent:
            co_return co_await take_named();
        case LeasePolicy::pooled:
            break;
        }
        CO_TRY(auto idle, co_await take_idle());
        if (idle) co_return idle;
        co_return co_await make();
    }

    /// One more idle one, where fewer than `least` wait and there is room. False: not needed.
    Task<bool> add()
    {
        CO_CHECK(co_await prepare());
        CO_TRY(const std::size_t waiting, co_await count_idle());
        if (waiting >= options_.least || all_pooled() >= options_.most) co_return false;
        CO_TRY(const auto lease, co_await make_one(true));
        // Somebody else may have done the same.
        const bool too_many = all_pooled() > options_.most;
        if (too_many) {
            CO_CHECK(co_await lease->discard());
        } else {
            CO_CHECK(co_await lease->release());
        }
        co_return !too_many;
    }

private:
    Task<> prepare()
    {
        CO_TRY(ids_, parse_ids(spec_.user));
        CO_TRY(base_, base_directory(options_.directory));
        CO_TRY(image_, co_await engine::Images(client_.transport()).inspect(spec_.image));
        spec_.image = image_.id;
        asked_ = spec_;
        CO_TRY(spec_.limits, co_await limits_on(client_, base_, spec_.limits));
        key_ = key(client_.endpoint(), spec_);
        co_return ok();
    }

    std::size_t all_pooled() const
    {
        return entries(base_, key(client_.endpoint()) + pooled_mark).size();
    }

    Task<std::size_t> count_idle()
    {
        std::set<std::string> of_this_spec;
        for (const auto& directory : entries(base_, key_)) {
            of_this_spec.insert(directory.filename().string());
        }
        CO_TRY(const std::vector<OwnedObject> all, co_await inventory(client_, base_));
        const auto waits = [&](const OwnedObject& object) {
            return object.in_use == InUse::idle && object.state == "running"
                   && of_this_spec.contains(object.name);
        };
        co_return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), waits));
    }

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
                auto session = co_await greet(client_, *road, *entry, options_);
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
        auto all = entries(base_, key(client_.endpoint()) + pooled_mark);
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
            all = entries(base_, key(client_.endpoint()) + pooled_mark);
        }
        co_return true;
    }

    Task<std::unique_ptr<Lease>> make()
    {
        // Nobody else looks after what a client that was killed has left.
        const auto swept = co_await clean_up(client_, base_, Clean::left_behind);
        if (!swept && swept.error().code == Errc::cancelled) co_return fail(swept.error());
        bool keep = options_.policy != LeasePolicy::fresh;
        if (keep) {
            CO_TRY(keep, co_await make_room());
        }
        co_return co_await make_one(keep);
    }

    Task<std::unique_ptr<Lease>> make_one(bool keep)
    {
        CO_TRY(const Road road, co_await best_road(client_, base_));
        for (bool again = false;; again = true) {
            // A name of its own each time: the engine may still be at the one before.
            CO_TRY(Entry entry, Entry::make(base_, key_, unique_name(purpose)));
            auto session = co_await start(entry, road, again);
            if (session) {
                const auto noted = entry.set_road(road);
                if (!noted) session = fail(noted.error());
            }
            if (session) {
                co_return leased(std::move(entry), *std::move(session), road, false, keep);
            }
            forget_road(client_, base_); // the next one asks again
            forget_limits(client_, base_);
            CO_CHECK(co_await remove_failed(entry, session.error()));
            if (again || !lacks_agent(session.error())) co_return fail(std::move(session).error());
            CO_CHECK(co_await forget_agent());
        }
    }

    // The error that it was removed for, with what it leaves behind, is given when that fails.
    Task<> remove_failed(const Entry& entry, Error& error)
    {
        const auto executor = co_await asio::this_coro::executor;
        engine::Child removing(executor, remove_sandbox(client_, entry));
        const Settled gone = co_await settle(removing);
        if (gone.interrupted) error = Error(Errc::cancelled, "interrupted");
        if (gone.result) co_return ok();
        if (error.hint.empty()) {
            error.hint = "the container " + entry.container() + " may still be on the engine";
        }
        co_return fail(error);
    }

    Task<engine::ContainerSpec> container_for(const Entry& entry, Road road)
    {
        auto filled = co_await agent_volume(client_, base_, image_.id, image_.architecture);
        no_agent_ = !filled && cannot_be_had(filled.error());
        CO_TRY(volume_, std::move(filled));
        engine::ContainerSpec made =
            container_spec(spec_, options_, entry, volume_, pool_mark(base_), road);
        if (options_.policy == LeasePolicy::persistent) name_it(made, asked_, options_.name, road);
        co_return made;
    }

    // One of that name, made when it is not there.
    Task<std::unique_ptr<Lease>> take_named()
    {
        CO_TRY(Entry entry, named_entry(base_, client_.endpoint(), options_.name));
        engine::Containers containers(client_.transport());
        const std::string container = entry.container();
        const auto found = co_await containers.inspect(container);
        if (!found && found.error().code != Errc::not_found) co_return fail(found.error());
        if (!found) co_return co_await make_named(std::move(entry));
        CO_TRY(const Road road, road_of_named(*found, asked_, options_.name));
        if (!found->state.running) {
            // Its engine was started anew, or somebody has stopped it; its files are there.
            CO_CHECK(co_await containers.start(container));
        }
        auto session = co_await greet_new(client_, road, entry, options_);
        if (!session && is_busy(session.error())) {
            co_return fail(named_in_use(options_.name));
        }
        CO_TRY(auto ours, std::move(session));
        if (ours->welcome().unclean) {
            co_return fail(
                Errc::engine, "a process of an earlier job is left in the sandbox " + options_.name
            );
        }
        CO_CHECK(entry.set_road(road));
        co_return leased(std::move(entry), std::move(ours), road, true, true);
    }

    Task<std::unique_ptr<Lease>> make_named(Entry entry)
    {
        CO_TRY(const Road road, co_await best_road(client_, base_));
        for (bool again = false;; again = true) {
            auto session = co_await start(entry, road, again);
            if (session) {
                CO_CHECK(entry.set_road(road));
                co_return leased(std::move(entry), *std::move(session), road, false, true);
            }
            forget_road(client_, base_);
            forget_limits(client_, base_);
            if (is_taken(session.error())) co_return fail(named_in_use(options_.name));
            const auto executor = co_await asio::this_coro::executor;
            engine::Child removing(executor, kill_and_wait(client_, entry.container()));
            const Settled gone = co_await settle(removing);
            CO_CHECK(gone.result);
            if (gone.interrupted) session = fail(Errc::cancelled, "interrupted");
            if (again || !lacks_agent(session.error())) {
                entry.erase();
                co_return fail(std::move(session).error());
            }
            CO_CHECK(co_await forget_agent());
        }
    }

    Task<std::unique_ptr<AgentSession>> start(const Entry& entry, Road road, bool again)
    {
        CO_TRY(engine::ContainerSpec spec, co_await container_for(entry, road));
        const auto started = co_await create_and_start(client_, std::move(spec));
        Result<std::unique_ptr<AgentSession>> session = fail(Errc::internal, "");
        if (started) {
            session = co_await greet_new(client_, road, entry, options_);
        } else {
            session = fail(started.error());
        }
        no_agent_ = again && !session && lacks_agent(session.error());
        co_return session;
    }

    // An engine makes an empty volume where it was removed.
    Task<> forget_agent()
    {
        forget_agent_volume(base_, client_);
        const auto removed = co_await engine::Volumes(client_.transport()).remove(volume_, false);
        const bool used = !removed && removed.error().code == Errc::conflict; // then it is whole
        if (!removed && !used) co_return fail(removed.error());
        co_return ok();
    }

    engine::Client client_;
    SandboxSpec spec_;
    SandboxSpec asked_; ///< without the limits that are this engine's
    PoolOptions options_;
    Ids ids_;
    std::filesystem::path base_;
    engine::ImageInfo image_;
    std::string key_;
    std::string volume_; ///< that of the agent
    bool no_agent_ = false;
};

Task<std::unique_ptr<Lease>>
acquire_here(engine::Client client, SandboxSpec spec, PoolOptions options)
{
    constexpr const char* doing = "acquiring a sandbox";
    CO_CHECK(during(check(spec), doing));
    CO_CHECK(during(check(options), doing));
    if (!options.agent) {
        co_return during(co_await by_exec::acquire(client, spec, options), doing);
    }
    Acquisition acquisition(client, spec, options);
    auto lease = co_await acquisition.go();
    const bool tied = options.policy == LeasePolicy::persistent; // it has to outlive its client
    if (lease || !acquisition.no_agent() || tied) co_return during(std::move(lease), doing);
    const std::string why = describe(lease.error());
    co_return during(
        co_await by_exec::acquire(client, spec, options), "without the agent, as " + why
    );
}

Task<> keep_warm_here(engine::Client client, SandboxSpec spec, PoolOptions options)
{
    constexpr const char* doing = "keeping sandboxes ready";
    CO_CHECK(during(check(spec), doing));
    options.policy = LeasePolicy::pooled;
    CO_CHECK(during(check(options), doing));
    for (bool more = options.agent; more;) {
        Acquisition acquisition(client, spec, options);
        auto added = co_await acquisition.add();
        if (!added && acquisition.no_agent()) break;
        CO_TRY(more, during(std::move(added), doing));
    }
    co_return ok();
}

} // namespace
} // namespace pool

Task<> keep_warm(engine::Client client, SandboxSpec spec, PoolOptions options)
{
    return pool::keep_warm_here(std::move(client), std::move(spec), std::move(options));
}

Task<std::unique_ptr<Lease>> acquire(engine::Client client, SandboxSpec spec, PoolOptions options)
{
    return pool::acquire_here(std::move(client), std::move(spec), std::move(options));
}

} // namespace slipway::core
