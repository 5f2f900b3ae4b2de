#include "agent/session.hpp"
#include "interrupted.hpp"
#include "sandbox/by_exec/lease.hpp"
#include "sandbox/pool/directory.hpp"
#include "sandbox/pool/key.hpp"
#include "sandbox/pool/lease.hpp"
#include "sandbox/pool/maker.hpp"
#include "sandbox/pool/named.hpp"
#include "sandbox/pool/no_agent.hpp"
#include "sandbox/pool/start.hpp"
#include "sandbox/pool/wanted.hpp"

#include <slipway/core/inventory.hpp>
#include <slipway/core/labels.hpp>
#include <slipway/core/lease.hpp>
#include <slipway/engine/containers.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <utility>

namespace slipway::core {

namespace pool {
namespace {

// Somebody's who was killed, until his lease runs out. That the engine refuses (the container is
// paused) is another conflict.
bool is_busy(const Error& error)
{
    return error.code == Errc::conflict && !error.answer;
}

bool is_there(const std::filesystem::path& socket)
{
    struct stat status {};
    return ::lstat(socket.c_str(), &status) == 0;
}

// A persistent one's end comes at once: nothing of a job's runs in it.
constexpr std::chrono::seconds stop_grace{2};

class Acquisition {
public:
    explicit Acquisition(Wanted wanted) : wanted_(std::move(wanted)), maker_(wanted_) {}

    /// After a failure: see Maker.
    bool no_agent() const noexcept { return maker_.no_agent(); }

    /// One that is there, or of a name; nothing when one has to be made.
    Task<std::unique_ptr<Lease>> find()
    {
        switch (wanted_.options.policy) {
        case LeasePolicy::fresh:
            break;
        case LeasePolicy::persistent:
            co_return co_await take_named();
        case LeasePolicy::pooled:
            co_return co_await take_idle();
        }
        co_return nullptr;
    }

    Task<std::unique_ptr<Lease>> make()
    {
        // Nobody else looks after what a client that was killed has left.
        const auto swept = co_await clean_up(wanted_.client, wanted_.base, Clean::left_behind);
        if (!swept && swept.error().code == Errc::cancelled) co_return fail(swept.error());
        bool keep = wanted_.options.policy != LeasePolicy::fresh;
        if (keep) {
            CO_TRY(keep, co_await make_room());
        }
        const Maker::NextEntry next = new_entry();
        co_return co_await maker_.make(next, keep);
    }

    /// One more idle one, where fewer than `least` wait and there is room. False: not needed.
    Task<bool> add()
    {
        const PoolOptions& options = wanted_.options;
        CO_TRY(const std::size_t waiting, co_await count_idle());
        if (waiting >= options.least || all_pooled().size() >= options.most) co_return false;
        const Maker::NextEntry next = new_entry();
        CO_TRY(const auto lease, co_await maker_.make(next, true));
        // Somebody else may have done the same.
        const bool too_many = all_pooled().size() > options.most;
        if (too_many) {
            CO_CHECK(co_await lease->discard());
        } else {
            CO_CHECK(co_await lease->release());
        }
        co_return !too_many;
    }

private:
    std::vector<std::filesystem::path> all_pooled() const
    {
        return entries(wanted_.base, key(wanted_.client.endpoint()) + pooled_mark);
    }

    // Of those that are there: an entry may be that of a sandbox which has ended.
    Task<std::size_t> count_idle()
    {
        CO_TRY(
            const CleanedUp swept,
            co_await clean_up(wanted_.client, wanted_.base, Clean::left_behind)
        );
        std::set<std::string> of_this_spec;
        for (const auto& directory : entries(wanted_.base, wanted_.key)) {
            of_this_spec.insert(directory.filename().string());
        }
        const auto waits = [&](const OwnedObject& object) {
            return object.in_use == InUse::idle && object.state == "running"
                   && of_this_spec.contains(object.name);
        };
        co_return static_cast<std::size_t>(std::ranges::count_if(swept.kept, waits));
    }

    bool fresh_enough(const agent::Welcome& welcome) const
    {
        return !welcome.unclean && welcome.jobs < wanted_.options.most_jobs;
    }

    // One of the pool that is ours now, or nothing.
    Task<std::unique_ptr<Lease>> take_idle()
    {
        for (const auto& directory : entries(wanted_.base, wanted_.key)) {
            auto entry = Entry::take(directory);
            if (!entry) continue;
            const auto road = entry->road();
            if (road) {
                auto session = co_await greet(wanted_.client, *road, *entry, wanted_.options);
                if (session && fresh_enough((*session)->welcome())) {
                    co_return maker_.leased(
                        *std::move(entry), *std::move(session), *road, true, true
                    );
                }
                if (!session && session.error().code == Errc::cancelled) {
                    co_return fail(std::move(session).error());
                }
                if (!session && is_busy(session.error())) continue;
            }
            // Ended, of another version, unclean, used up, or left by somebody who was killed while
            // he made it.
            const auto removed = co_await remove_sandbox(wanted_.client, *entry);
            if (!removed && removed.error().code == Errc::cancelled) {
                co_return fail(removed.error());
            }
        }
        co_return nullptr;
    }

    // Those that were idle longest go, until there is room for one more. False when all are in use.
    Task<bool> make_room()
    {
        auto all = all_pooled();
        while (all.size() >= wanted_.options.most) {
            bool gone = false;
            for (auto oldest = all.rbegin(); oldest != all.rend() && !gone; ++oldest) {
                const auto entry = Entry::take(*oldest);
                if (!entry) continue;
                const auto removed = co_await remove_sandbox(wanted_.client, *entry);
                if (!removed && removed.error().code == Errc::cancelled) {
                    co_return fail(removed.error());
                }
                std::error_code failed;
                gone = removed && !std::filesystem::exists(*oldest, failed);
            }
            if (!gone) co_return false;
            all = all_pooled();
        }
        co_return true;
    }

    // A name of its own each time: the engine may still be at the one before.
    Maker::NextEntry new_entry() const
    {
        return [base = wanted_.base, key = wanted_.key] {
            return Entry::make(base, key, unique_name(purpose));
        };
    }

    Result<Entry> entry_of_name() const
    {
        return named_entry(wanted_.base, wanted_.client.endpoint(), wanted_.options.name);
    }

    // One of that name, made when it is not there.
    Task<std::unique_ptr<Lease>> take_named()
    {
        CO_TRY(Entry entry, entry_of_name());
        engine::Containers containers(wanted_.client.transport());
        const auto found = co_await containers.inspect(entry.container());
        if (!found && found.error().code != Errc::not_found) co_return fail(found.error());
        if (!found) {
            const auto first = std::make_shared<std::optional<Entry>>(std::move(entry));
            const Maker::NextEntry next = [this, first]() -> Result<Entry> {
                auto ours = std::exchange(*first, std::nullopt);
                return ours ? *std::move(ours) : entry_of_name();
            };
            co_return co_await maker_.make(next, true);
        }
        const std::string& name = wanted_.options.name;
        CO_TRY(const Road road, road_of_named(*found, wanted_.asked, name));
        CO_CHECK(co_await see_that_it_runs(entry, road, found->state.running));
        auto session = co_await greet_new(wanted_.client, road, entry, wanted_.options);
        if (!session && is_busy(session.error())) co_return fail(named_in_use(name));
        CO_TRY(auto ours, std::move(session));
        if (ours->welcome().unclean) {
            co_return fail(
                Errc::engine, "a process of an earlier job is left in the sandbox " + name
            );
        }
        CO_CHECK(entry.set_road(road));
        co_return maker_.leased(std::move(entry), std::move(ours), road, true, true);
    }

    // Its engine was started anew, or somebody has stopped it; its files are there. Where the
    // directory of its socket was removed, it sees the new one after a start.
    Task<> see_that_it_runs(const Entry& entry, Road road, bool running)
    {
        engine::Containers containers(wanted_.client.transport());
        const std::string container = entry.container();
        if (running) {
            if (road != Road::socket || is_there(entry.socket())) co_return ok();
            if (is_held_elsewhere(entry.directory())) {
                co_return fail(named_in_use(wanted_.options.name));
            }
            CO_CHECK(co_await containers.stop(container, stop_grace));
        }
        CO_CHECK(co_await containers.start(container));
        co_return ok();
    }

    Wanted wanted_;
    Maker maker_;
};

Task<std::unique_ptr<Lease>>
acquire_here(engine::Client client, SandboxSpec spec, PoolOptions options)
{
    constexpr const char* doing = "acquiring a sandbox";
    auto found = co_await find_out(client, spec, options);
    CO_TRY(const Wanted wanted, during(std::move(found), doing));
    if (!options.agent) co_return during(co_await by_exec::acquire(wanted), doing);
    Acquisition acquisition(wanted);
    // One that waits has the agent, whatever is remembered; one of a name has to outlive its
    // client.
    auto there = co_await acquisition.find();
    const bool named = options.policy == LeasePolicy::persistent;
    if (!there || *there || named) co_return during(std::move(there), doing);
    const bool binds = !wanted.spec.bound.empty();
    std::string why = options.agent_anew || binds ? std::string() : why_no_agent(wanted);
    if (why.empty()) {
        auto made = co_await acquisition.make();
        if (made || !acquisition.no_agent()) co_return during(std::move(made), doing);
        why = describe(made.error());
        if (binds && will_last(made.error())) co_return fail(Errc::unsupported, why);
        if (binds) co_return during(std::move(made), doing);
        if (will_last(made.error())) remember_no_agent(wanted, why);
    }
    if (co_await is_interrupted()) co_return fail(Errc::cancelled, "interrupted");
    auto lease = co_await by_exec::acquire(wanted);
    if (!lease && lease.error().code != Errc::cancelled) forget_no_agent(wanted);
    co_return during(std::move(lease), "without the agent, as " + why);
}

Task<> keep_warm_here(engine::Client client, SandboxSpec spec, PoolOptions options)
{
    constexpr const char* doing = "keeping sandboxes ready";
    options.policy = LeasePolicy::pooled;
    auto found = co_await find_out(client, spec, options);
    CO_TRY(const Wanted wanted, during(std::move(found), doing));
    const bool can = options.agent && (options.agent_anew || why_no_agent(wanted).empty());
    for (bool more = can; more;) {
        Acquisition acquisition(wanted);
        auto added = co_await acquisition.add();
        if (!added && acquisition.no_agent() && will_last(added.error())) {
            remember_no_agent(wanted, describe(added.error()));
            break;
        }
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
