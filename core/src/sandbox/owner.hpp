#pragma once

#include <slipway/core/workspace.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/result.hpp>

namespace slipway::core {

/// Whose a job's files are in a container: the caller's, so that what it makes is the caller's;
/// where the engine runs without root, its root is the caller already.
Task<Owner> owner_for(engine::Client client);

} // namespace slipway::core
