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

} // namespace slipway::core
