#pragma once

#include <slipway/core/lease.hpp>
#include <slipway/core/workspace.hpp>

#include <functional>

namespace slipway::core {

/// A call of run_pooled, and what is known of it.
struct PooledOrder {
    engine::Client client;
    Job job;
    JobStreams streams;
    PoolOptions options;
    Owner owner;
    std::function<void(const SandboxUse&)> on_sandbox;
    std::function<bool()> on_wait;
};

/// The sandbox goes back to the pool, also when the command was interrupted; one that cannot is
/// removed.
Task<> give_back(std::shared_ptr<Lease> lease);

} // namespace slipway::core
