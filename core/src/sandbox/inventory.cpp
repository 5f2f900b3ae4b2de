#include "sandbox/owned.hpp"
#include "sandbox/pool/agent_volume.hpp"
#include "sandbox/pool/container.hpp"
#include "sandbox/pool/dead_entries.hpp"
#include "sandbox/pool/directory.hpp"
#include "sandbox/pool/lease.hpp"
#include "sandbox/pool/named.hpp"
#include "sandbox/remove.hpp"

#include <slipway/core/inventory.hpp>
#include <slipway/core/labels.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/volumes.hpp>

#include <algorithm>
#include <iterator>
#include <optional>

namespace slipway::core {

namespace {

namespace fs = std::filesystem;

// Who has a persistent sandbox whose directory was removed is known by a look at all processes,
// which is left out where nobody asks: such a sandbox stays in any case.
enum class NamedUse { exactly, roughly };

// The entry of a sandbox in our pools; none for those of others.
std::optional<fs::path> entry_of(const fs::path& base, const std::string& container)
{
    for (fs::path& directory : pool::entries(base, "")) {
        if (directory.filename() == container) return std::move(directory);
    }
    return std::nullopt;
}

// A persistent one. Its entry is gone when this machine was started anew, or the user has logged
// out; its name tells whose it is.
InUse use_of_named(
    const fs::path& base,
    const engine::Endpoint& endpoint,
    const std::string& container,
    const std::string& name,
    NamedUse known
)
{
    const fs::path directory = pool::place_of_named(base, endpoint, name);
    if (directory.filename() != container) return InUse::unknown;
    if (pool::Entry::is_taken(directory)) return InUse::yes;
    // Who tries for it after the directory was removed makes another one.
    const bool held = known == NamedUse::exactly && pool::is_held_elsewhere(directory);
    return held ? InUse::yes : InUse::kept;
}

// `pool` is what its label says.
InUse use_of_sandbox(const fs::path& base, const std::string& container, const std::string& pool)
{
    const auto directory = entry_of(base, container);
    // An entry is made before its container and erased after it: one of this pool is lost.
    if (!directory) return pool == pool::pool_mark(base) ? InUse::no : InUse::unknown;
    if (pool::Entry::is_taken(*directory)) return InUse::yes;
    // Else its maker was killed before it was ready.
    return pool::Entry::road_in(*directory) ? InUse::idle : InUse::no;
}

// Of a volume that stays: one of a workspace of ours that is gone is of no use.
InUse use_of_kept(const engine::VolumeInfo& volume, bool lone)
{
    if (label_of(volume.labels, user_label) != this_user()) return InUse::unknown;
    const std::string root = label_of(volume.labels, workspace_label);
    std::error_code failed;
    // A backslash stands for what no label can have.
    const bool is_path = !root.empty() && root.find('\\') == std::string::npos;
    const bool gone = is_path && !fs::exists(root, failed) && !failed;
    return gone && lone ? InUse::no : InUse::kept;
}

// Scratch goes with its container, and is one object with it, unless somebody has removed that
// alone.
Task<std::vector<OwnedObject>> our_volumes(engine::Client client)
{
    engine::Volumes volumes(client.transport());
    engine::Filters filters = our_filter();
    CO_TRY(const auto found, co_await volumes.list(filters));
    filters["dangling"].emplace_back("true");
    CO_TRY(const auto lone, co_await volumes.list(filters));
    const auto is_lone = [&](const engine::VolumeInfo& volume) {
        return std::ranges::any_of(lone, [&](const engine::VolumeInfo& other) {
            return other.name == volume.name;
        });
    };
    std::vector<OwnedObject> out;
    for (const engine::VolumeInfo& volume : found) {
        OwnedObject object;
        object.kind = OwnedObject::Kind::volume;
        object.name = volume.name;
        object.purpose = label_of(volume.labels, purpose_label);
        if (object.purpose == pool::scratch_purpose) {
            if (!is_lone(volume)) continue;
            // It is there before its container is.
            object.in_use = use_of_maker(label_of(volume.labels, process_label));
        } else if (stays_for_next_command(object.purpose)) {
            object.kept_as = label_of(volume.labels, workspace_label);
            object.image = label_of(volume.labels, image_label);
            object.in_use = use_of_kept(volume, is_lone(volume));
        } else if (!pool::has_this_agent(object.name)) {
            object.in_use = InUse::idle; // a container that has it keeps it
        }
        out.push_back(std::move(object));
    }
    co_return out;
}

// Errors: conflict (somebody has taken it since it was listed), unless it is to go in any case.
Task<> remove(engine::Client client, fs::path base, OwnedObject object, bool in_any_case)
{
    if (object.kind == OwnedObject::Kind::volume) {
        // By force podman removes what uses it as well.
        auto gone = co_await engine::Volumes(client.transport()).remove(object.name, in_any_case);
        if (!gone && gone.error().code == Errc::not_found) co_return ok(); // somebody was faster
        co_return gone;
    }
    const auto directory = entry_of(base, object.name);
    const auto entry = directory ? pool::Entry::take(*directory) : std::nullopt;
    if (directory && !entry && !in_any_case) co_return fail(Errc::conflict, "it is in use again");
    if (entry) {
        co_return co_await pool::remove_sandbox(client, *entry);
    }
    co_return co_await kill_and_wait(client, object.name);
}

Task<std::vector<OwnedObject>> owned_objects(engine::Client client, fs::path base, NamedUse known)
{
    std::vector<OwnedObject> all;
    CO_TRY(const auto containers, co_await our_containers(client));
    for (const engine::ContainerSummary& container : containers) {
        OwnedObject object;
        object.name = name_of(container);
        object.purpose = label_of(container.labels, purpose_label);
        object.image = container.image;
        object.state = container.state;
        object.created = container.created;
        object.kept_as = label_of(container.labels, name_label);
        if (!object.kept_as.empty()) {
            object.in_use =
                use_of_named(base, client.endpoint(), object.name, object.kept_as, known);
        } else if (object.purpose == pool::purpose) {
            object.in_use =
                use_of_sandbox(base, object.name, label_of(container.labels, pool_label));
        } else {
            object.in_use = use_of_maker(label_of(container.labels, process_label));
        }
        all.push_back(std::move(object));
    }
    CO_TRY(auto volumes, co_await our_volumes(client));
    std::ranges::move(volumes, std::back_inserter(all));
    co_return all;
}

} // namespace

Task<std::vector<OwnedObject>> inventory(engine::Client client, fs::path pool_directory)
{
    CO_TRY(const fs::path base, pool::base_directory(pool_directory));
    co_return co_await owned_objects(client, base, NamedUse::exactly);
}

Task<CleanedUp> clean_up(engine::Client client, fs::path pool_directory, Clean what)
{
    CO_TRY(const fs::path base, pool::base_directory(pool_directory));
    const NamedUse known = what == Clean::left_behind ? NamedUse::roughly : NamedUse::exactly;
    CO_TRY(std::vector<OwnedObject> all, co_await owned_objects(client, base, known));
    CO_CHECK(co_await pool::erase_dead_entries(client, base, all));
    CleanedUp done;
    for (OwnedObject& object : all) {
        const bool unused = object.in_use == InUse::no
                            || (object.in_use == InUse::idle && what != Clean::left_behind);
        if (!unused && what != Clean::everything) {
            done.kept.push_back(std::move(object));
            continue;
        }
        const auto gone = co_await remove(client, base, object, what == Clean::everything);
        if (gone) {
            done.removed.push_back(std::move(object));
        } else if (gone.error().code == Errc::conflict && (!gone.error().answer || object.kind == OwnedObject::Kind::volume)) {
            done.kept.push_back(std::move(object));
        } else if (gone.error().code == Errc::cancelled) {
            co_return fail(gone.error());
        } else {
            done.failed.emplace_back(std::move(object), gone.error());
        }
    }
    co_return done;
}

} // namespace slipway::core
