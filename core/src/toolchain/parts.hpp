#pragma once

#include <slipway/core/toolchain.hpp>

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// What tells toolchains apart that have all programs.
struct ToolchainParts {
    std::string host;                 ///< that its programs run on; empty: nothing tells
    std::vector<std::string> targets; ///< that it has a standard library for, in order
    bool source = false;              ///< of the standard library
};

/// Of the toolchain in a directory. Its host is told by the list of its components, else by the end
/// of its name, else by its rustc, of which nothing is run.
ToolchainParts parts_in(const std::filesystem::path& directory, const std::string& name);

/// Whether a copy needs a path below the sysroot; of a directory: or something below it. The
/// programs and their libraries, the standard libraries of host and target, and the source where it
/// is wanted; no documentation.
bool is_needed(const HostToolchain& toolchain, std::string_view path);

/// The directories of a sysroot that have something needed in them.
inline constexpr std::array<std::string_view, 4> needed_directories{"bin", "etc", "lib", "libexec"};

} // namespace slipway::core
