#pragma once

#include <slipway/core/lease.hpp>
#include <slipway/core/workspace.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/result.hpp>

#include <functional>
#include <string>

namespace slipway::core {

/// Makes the volume that `run_pooled` keeps a workspace in for an image, where it is missing, and
/// makes its files as they are here; directories with a CACHEDIR.TAG are left alone on both sides.
/// Gives the volume's name. It waits for a command that has it, after `on_wait`. The sandbox that
/// does it waits in the pool for the next command.
///
/// Errors: unsupported (without the agent nothing is kept), those of `acquire` and `run_pooled`.
Task<std::string> fill_volume(
    engine::Client client,
    std::string image, ///< reference or id; must be on the engine already
    Workspace workspace,
    PoolOptions options,
    std::function<void()> on_wait
);

} // namespace slipway::core
