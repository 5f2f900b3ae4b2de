#pragma once

#include "sandbox/pooled_order.hpp"

#include <slipway/core/lease.hpp>

#include <memory>
#include <optional>

namespace slipway::core {

/// Runs a job in a sandbox that has the workspace's own directory. Nothing where the engine does
/// not see it, or where a copy serves better: then nothing has begun.
///
/// Errors: those of run_pooled; with FilesBy::bind also unsupported, which tells why it cannot be.
Task<std::optional<JobResult>> run_bound(std::shared_ptr<const PooledOrder> order);

} // namespace slipway::core
