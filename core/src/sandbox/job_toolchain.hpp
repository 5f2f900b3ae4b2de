#pragma once

#include "sandbox/pooled_order.hpp"

#include <slipway/core/lease.hpp>

#include <memory>

namespace slipway::core {

/// Makes sure that the job's toolchain runs in its image, and puts it into its PATH. One that is
/// inside of the workspace is there already: nothing more is to be done then, and the job has none.
///
/// Errors: unsupported (the image is for another platform), invalid_argument (the workspace is in
///   the toolchain), not_found (no such image).
Task<> prepare_toolchain(std::shared_ptr<PooledOrder> order);

/// Adds the volume with the toolchain to what a sandbox is made of; filled where it is not.
/// Nothing without a toolchain. Errors: those of toolchain_volume.
Task<SandboxSpec> with_toolchain(std::shared_ptr<const PooledOrder> order, SandboxSpec spec);

} // namespace slipway::core
