#pragma once

#include <slipway/core/manifest.hpp>
#include <slipway/core/toolchain.hpp>
#include <slipway/engine/result.hpp>

#include <atomic>

namespace slipway::core {

/// What a copy of a toolchain has: types, modes, sizes, digests and the ends of links, by paths
/// below the sysroot. Only files that have changed since it was noted in `toolchain.notes` are
/// read. Blocks.
///
/// Errors: permission_denied, not_found, io (also a file that changed meanwhile), cancelled
/// (`stop`).
Result<Manifest> contents_of(const HostToolchain& toolchain, const std::atomic<bool>& stop);

/// Equal where all of that is, for what pack has sent as well.
ContentHash digest_of_contents(const Manifest& contents);

} // namespace slipway::core
