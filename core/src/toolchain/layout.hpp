#pragma once

#include <slipway/engine/result.hpp>

#include <filesystem>

namespace slipway::core {

/// The directory of a toolchain in `unpacked`, where an archive was unpacked to: that itself or one
/// of its directories when it has bin/rustc. In one that Rust is released in each component has a
/// directory of its own (rustc/bin/rustc, cargo/bin/cargo): they are made one.
///
/// Errors: invalid_argument (no toolchain), io.
Result<std::filesystem::path> toolchain_in(const std::filesystem::path& unpacked);

} // namespace slipway::core
