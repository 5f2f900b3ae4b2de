#include "sandbox/pool/maker.hpp"

#include "sandbox/pool/agent_volume.hpp"
#include "sandbox/pool/bound.hpp"
#include "sandbox/pool/key.hpp"
#include "sandbox/pool/lease.hpp"
#include "sandbox/pool/limits.hpp"
#include "sandbox/pool/named.hpp"
#include "sandbox/pool/no_agent.hpp"
#include "sandbox/pool/road.hpp"
#include "sandbox/pool/start.hpp"
#include "sandbox/settle.hpp"

#include <slipway/core/labels.hpp>
#include <slipway/engine/volumes.hpp>

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace slipway::core::pool {

namespace asio = boost::asio;

namespace {

// Somebody else has made a container of that name.
bool is_name_taken(const Error& error)
{
    return error.code == Errc::conflict && error.answer
           && error.message.find("in use") != std::string::npos;
}

// Then a container of that name, if there is one, is somebody else's.
bool is_creation_refused(const Error& error)
{
    return error.answer && error.answer->status >= 400
           && error.answer->route.ends_with("/containers/create");
}

} // namespace

Task<std::unique_ptr<Lease>> Maker::make(NextEntry next, bool keep)
{
    CO_TRY(const Road road, co_await best_road(wanted_.client, wanted_.base));
    const auto& bound = wanted_.spec.bound;
    if (!bound.empty() && road != Road::socket) {
        Error error = not_seen(bound.front().path);
        error.message += ", or its containers have user ids of their own";
        co_return fail(std::move(error));
    }
    for (bool again = false;; again = true) {
        CO_TRY(Entry entry, next());
        auto session = co_await start(entry, road, again);
        if (session) {
            AgentIds ids;
            ids.uid = wanted_.ids.uid;
            ids.gid = wanted_.ids.gid;
            const auto seen = co_await check_bound(**session, bound, ids);
            if (!seen) session = fail(seen.error());
        }
        if (session) {
            const auto noted = entry.set_road(road);
            if (!noted) session = fail(noted.error());
        }
        if (session) co_return leased(std::move(entry), *std::move(session), road, false, keep);
        if (bound.empty() || session.error().code != Errc::unsupported) {
            forget_road(wanted_.client, wanted_.base); // the next one asks again
            forget_limits(wanted_.client, wanted_.base);
        }
        const bool named = wanted_.options.policy == LeasePolicy::persistent;
        if (named && is_name_taken(session.error())) {
            co_return fail(named_in_use(wanted_.options.name));
        }
        CO_CHECK(co_await remove_failed(entry, session.error()));
        const bool had_volume = !volume_.empty();
        if (again || !had_volume || !lacks_agent(session.error()))
            co_return fail(std::move(session).error());
        CO_CHECK(co_await forget_agent());
    }
}

std::unique_ptr<Lease>
Maker::leased(Entry entry, std::unique_ptr<AgentSession> session, Road road, bool warm, bool keep)
{
    forget_no_agent(wanted_);
    const auto& mounts = wanted_.spec.mounts;
    const bool has_tmpfs = std::any_of(mounts.begin(), mounts.end(), [](const auto& mount) {
        return mount.type == "tmpfs";
    });
    return make_lease(Leased{
        wanted_.client,
        std::move(entry),
        std::move(session),
        wanted_.image.config,
        wanted_.image.id,
        wanted_.ids,
        road,
        warm,
        has_tmpfs,
        keep,
    });
}

Task<std::unique_ptr<AgentSession>> Maker::start(const Entry& entry, Road road, bool again)
{
    created_ = false;
    CO_TRY(engine::ContainerSpec spec, co_await container_for(entry, road));
    const auto started = co_await create_and_start(wanted_.client, std::move(spec));
    created_ = started || !is_creation_refused(started.error());
    Result<std::unique_ptr<AgentSession>> session = fail(Errc::internal, "");
    if (started) {
        session = co_await greet_new(wanted_.client, road, entry, wanted_.options);
    } else {
        session = fail(as_not_seen(started.error(), wanted_.spec.bound));
        // Podman writes a mount as a line of comma-separated values.
        const std::string& said = session.error().message;
        if (said.find("invalid mount option") != std::string::npos
            || said.find("non-quoted-field") != std::string::npos) {
            session.error().hint = "this engine mounts nothing at a path with ',' or '\"': rename "
                                   "the directory, or try --fresh";
        }
    }
    no_agent_ = again && !session && lacks_agent(session.error());
    co_return session;
}

Task<engine::ContainerSpec> Maker::container_for(const Entry& entry, Road road)
{
    volume_.clear();
    auto filled = co_await agent_volume(
        wanted_.client, wanted_.base, wanted_.image.id, wanted_.image.architecture
    );
    no_agent_ = !filled && cannot_be_had(filled.error());
    CO_TRY(volume_, std::move(filled));
    CO_CHECK(co_await make_kept());
    const std::string mark = pool_mark(wanted_.base);
    engine::ContainerSpec made =
        container_spec(wanted_.spec, wanted_.options, entry, volume_, mark, road);
    if (wanted_.options.policy == LeasePolicy::persistent) {
        name_it(made, wanted_.asked, wanted_.options.name, road);
    }
    co_return made;
}

// An engine would make them, too, but some without labels.
Task<> Maker::make_kept()
{
    for (const KeptDirectory& kept : wanted_.spec.kept) {
        engine::VolumeSpec volume;
        volume.name = volume_of(kept, wanted_.spec.image);
        volume.labels = labels_for(kept.purpose);
        volume.labels.insert(kept.labels.begin(), kept.labels.end());
        engine::Volumes volumes(wanted_.client.transport());
        CO_TRY(engine::VolumeInfo made, co_await volumes.create(volume));
        // Of one that was there dockerd 20.10 does not tell the labels once it was started anew.
        if (made.labels.empty()) {
            CO_TRY(made, co_await volumes.inspect(volume.name));
        }
        const auto made_for = made.labels.find(std::string(purpose_label));
        if (made_for != made.labels.end() && made_for->second == kept.purpose) continue;
        Error error(
            Errc::conflict, "the volume " + volume.name + " is there, and it is not slipway's"
        );
        error.hint = "rename it, or remove it when nobody needs it";
        co_return fail(std::move(error));
    }
    co_return ok();
}

// The error that it was removed for, with what it leaves behind, is given when that fails.
Task<> Maker::remove_failed(const Entry& entry, Error& error)
{
    if (!created_) {
        entry.erase();
        co_return ok();
    }
    const auto executor = co_await asio::this_coro::executor;
    engine::Child removing(executor, remove_sandbox(wanted_.client, entry));
    const Settled gone = co_await settle(removing);
    if (gone.interrupted) error = Error(Errc::cancelled, "interrupted");
    if (gone.interrupted || !gone.result) no_agent_ = false; // it is no reason to go on without it
    if (gone.result) co_return ok();
    if (error.hint.empty()) {
        error.hint = "the container " + entry.container() + " may still be on the engine";
    }
    co_return fail(error);
}

// An engine makes an empty volume where it was removed.
Task<> Maker::forget_agent()
{
    forget_agent_volume(wanted_.base, wanted_.client);
    engine::Volumes volumes(wanted_.client.transport());
    const auto removed = co_await volumes.remove(volume_, false);
    const bool used = !removed && removed.error().code == Errc::conflict; // then it is whole
    if (!removed && !used) co_return fail(removed.error());
    co_return ok();
}

} // namespace slipway::core::pool
