#include <slipway/core/inventory.hpp>
#include <slipway/core/labels.hpp>
#include <slipway/engine/pause.hpp>
#include <slipway/engine/volumes.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace slipway::core {

namespace {

using namespace std::chrono_literals;

// An engine lets go of a volume somewhat after its container is gone.
Task<> remove_volume(engine::Client client, std::string name)
{
    for (auto step = 20ms;; step *= 2) {
        const auto gone = co_await engine::Volumes(client.transport()).remove(name, false);
        const bool used = !gone && gone.error().code == Errc::conflict;
        if (!used || step > 1s) co_return gone;
        CO_CHECK(co_await engine::pause(step));
    }
}

} // namespace

Task<std::vector<OwnedObject>>
kept_volumes(engine::Client client, std::filesystem::path pool_directory)
{
    CO_TRY(auto all, co_await inventory(client, std::move(pool_directory)));
    std::erase_if(all, [](const OwnedObject& object) {
        return object.kind != OwnedObject::Kind::volume || !stays_for_next_command(object.purpose);
    });
    co_return all;
}

Task<CleanedUp> remove_kept_volumes(
    engine::Client client, std::filesystem::path pool_directory, std::vector<std::string> names
)
{
    CO_TRY(const auto all, co_await kept_volumes(client, pool_directory));
    std::vector<OwnedObject> chosen;
    for (const std::string& name : names) {
        const auto found = std::ranges::find(all, name, &OwnedObject::name);
        if (found == all.end()) {
            Error error(Errc::not_found, "there is no volume of slipway's that is named " + name);
            error.hint = "`slipway volumes list` shows them";
            co_return fail(std::move(error));
        }
        chosen.push_back(*found);
    }
    CleanedUp done;
    if (chosen.empty()) co_return done;
    // Those would keep them.
    CO_TRY(
        const CleanedUp cleaned, co_await clean_up(client, std::move(pool_directory), Clean::unused)
    );
    static_cast<void>(cleaned);
    for (OwnedObject& object : chosen) {
        auto gone = co_await remove_volume(client, object.name);
        if (!gone && gone.error().code == Errc::cancelled) co_return fail(std::move(gone).error());
        if (gone || gone.error().code == Errc::not_found) {
            done.removed.push_back(std::move(object));
        } else {
            done.failed.emplace_back(std::move(object), std::move(gone).error());
        }
    }
    co_return done;
}

} // namespace slipway::core
