#include "sandbox/owner.hpp"

#include <slipway/engine/system.hpp>

#include <unistd.h>

namespace slipway::core {

Task<Owner> owner_for(engine::Client client)
{
    Owner owner;
    if (::geteuid() != 0) {
        CO_TRY(const engine::EngineInfo info, co_await engine::System(client.transport()).info());
        if (!engine::is_rootless(info)) {
            owner.uid = ::geteuid();
            owner.gid = ::getegid();
        }
    }
    co_return owner;
}

} // namespace slipway::core
