#include "sandbox/remove.hpp"

#include <slipway/engine/pause.hpp>

namespace slipway::core {

using namespace std::chrono_literals;

Task<> remove_container(engine::Client client, std::string name)
{
    engine::Containers containers(client.transport());
    for (auto step = 20ms;; step *= 2) {
        const auto gone = co_await containers.discard(name);
        if (gone) {
            co_return ok();
        }
        const Errc code = gone.error().code;
        if ((code != Errc::engine && code != Errc::conflict) || step > 2s) {
            co_return fail(gone.error());
        }
        CO_CHECK(co_await engine::pause(step));
    }
}

namespace {

// Whether it has still to be waited for. not_found when it is gone.
Task<bool> goes_by_itself(engine::Client client, std::string name)
{
    CO_TRY(const auto info, co_await engine::Containers(client.transport()).inspect(name));
    // One that was never started stays.
    const std::string& status = info.state.status;
    const bool begun = status != "created" && status != "initialized" && status != "configured";
    co_return info.auto_remove&& begun;
}

// An end that came by itself just now is as good as the one that was asked for.
bool is_ending(const Error& error)
{
    return error.code == Errc::conflict || error.code == Errc::engine;
}

} // namespace

Task<> kill_and_wait(engine::Client client, std::string name)
{
    const auto killed = co_await engine::Containers(client.transport()).kill(name);
    if (!killed && killed.error().code == Errc::not_found) co_return ok();
    if (!killed && killed.error().code == Errc::cancelled) co_return fail(killed.error());
    bool waits = killed || is_ending(killed.error());
    for (auto waited = 0ms; waits && waited < 5s; waited += 10ms) {
        const auto goes = co_await goes_by_itself(client, name);
        if (!goes && goes.error().code == Errc::not_found) co_return ok();
        if (!goes && goes.error().code == Errc::cancelled) co_return fail(goes.error());
        waits = goes && *goes;
        if (waits) {
            CO_CHECK(co_await engine::pause(10ms));
        }
    }
    const auto gone = co_await remove_container(client, name);
    if (!gone && gone.error().code != Errc::not_found) co_return fail(gone.error());
    co_return ok();
}

} // namespace slipway::core
