#pragma once

#include <slipway/core/lease.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/system.hpp>

#include <filesystem>

namespace slipway::core::pool {

/// What holds on an engine when these limits are asked for.
///
/// Errors: unsupported (it cannot keep a limit of memory or CPUs that is not a default).
Result<SandboxLimits> limits_on(const engine::EngineInfo& engine, SandboxLimits asked);

/// The same for this engine, which is asked once, then remembered below `base`.
///
/// Errors: also engine, protocol, unreachable, timed_out, cancelled.
Task<SandboxLimits>
limits_on(engine::Client client, std::filesystem::path base, SandboxLimits asked);

/// They may be those of a machine that has been another since.
void forget_limits(const engine::Client& client, const std::filesystem::path& base);

} // namespace slipway::core::pool
