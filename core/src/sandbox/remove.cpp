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

// not_found when it is gone.
Task<> still_there(engine::Client client, std::string name)
{
    CO_TRY(const auto info, co_await engine::Containers(client.transport()).inspect(name));
    static_cast<void>(info);
    co_return ok();
}

// An end that came by itself just now is as good as the one that was asked for.
bool is_ending(const Error& error)
{
    return error.code == Errc::conflict || error.code == Errc::engine;
}

} // namespace

Task<> kill_and_wait(engine::Client client, std::string name)
{
    auto there = co_await engine::Containers(client.transport()).kill(name);
    if (!there && is_ending(there.error())) there = co_await still_there(client, name);
    for (auto waited = 0ms; there && waited < 5s; waited += 10ms) {
        there = co_await still_there(client, name);
        CO_CHECK(co_await engine::pause(10ms));
    }
    if (!there && there.error().code == Errc::not_found) co_return ok();
    const auto gone = co_await remove_container(client, name);
    if (!gone && gone.error().code != Errc::not_found) co_return fail(gone.error());
    co_return ok();
}

} // namespace slipway::core
