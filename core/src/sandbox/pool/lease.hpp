#pragma once

#include "agent/session.hpp"
#include "sandbox/pool/container.hpp"
#include "sandbox/pool/directory.hpp"

#include <slipway/core/lease.hpp>
#include <slipway/engine/images.hpp>

#include <memory>

namespace slipway::core::pool {

/// What a lease is made of once its agent has answered.
struct Leased {
    engine::Client client;
    Entry entry;
    std::unique_ptr<AgentSession> session;
    engine::ImageConfig image;
    std::string image_id;
    Ids ids;
    Road road = Road::socket;
    bool warm = false;
    bool has_tmpfs = false; ///< among its mounts: the engine's archive call sees nothing of it
    bool keep = true;       ///< else there are too many: it goes when it is released
};

std::unique_ptr<Lease> make_lease(Leased leased);

/// Removes the container of an entry that is ours, and the entry.
Task<> remove_sandbox(engine::Client client, const Entry& entry);

} // namespace slipway::core::pool
