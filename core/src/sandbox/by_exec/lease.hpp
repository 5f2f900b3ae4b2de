#pragma once

#include "sandbox/pool/wanted.hpp"

#include <slipway/core/lease.hpp>

#include <memory>

namespace slipway::core::by_exec {

/// A lease of a sandbox without the agent: one of its own, made now and removed at its release,
/// whose jobs are execs and whose files come by the engine's archive calls.
///
/// Errors: those of core::acquire; unsupported (the image lacks `sh`, `cat`, `chmod` or `chown`).
Task<std::unique_ptr<Lease>> acquire(pool::Wanted wanted);

} // namespace slipway::core::by_exec
