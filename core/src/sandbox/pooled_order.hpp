#pragma once

#include "archive/posix.hpp"

#include <slipway/core/lease.hpp>
#include <slipway/core/workspace.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

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
    /// Why the workspace is not bound, once that is known.
    std::shared_ptr<std::string> why_copied = std::make_shared<std::string>();
    std::string image_id{}; ///< where the job has a toolchain
};

/// Looks for another command of this machine that has the workspace's volume before a sandbox is
/// made for nothing; others are met in the volume. Nothing when it is not waited for.
Task<std::optional<posix::Fd>> take_workspace(std::shared_ptr<const PooledOrder> order);

/// The sandbox goes back to the pool, also when the command was interrupted; one that cannot is
/// removed.
Task<> give_back(std::shared_ptr<Lease> lease);

} // namespace slipway::core
