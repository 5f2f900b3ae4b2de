#pragma once

#include <slipway/engine/result.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace slipway::core {

/// What cargo's own configuration files say of the places that matter to us. Empty: nothing.
struct CargoConfig {
    std::vector<std::string> targets;              ///< build.target
    std::filesystem::path target_dir;              ///< build.target-dir, absolute
    bool builds_std = false;                       ///< unstable.build-std
    std::map<std::string, std::string> registries; ///< index by registry_key
    std::string default_registry;
    std::optional<bool> offline;                ///< net.offline
    std::vector<std::string> stand_ins;         ///< names of what sources are replaced with
    std::map<std::string, std::string> sources; ///< index by name, where `[source]` has one
};

/// Reads `.cargo/config.toml` of `directory` and of those above it, up to `root`; the nearest one
/// that says something wins, as in cargo. Those outside are not seen in a container.
///
/// Errors: invalid_argument (a file that is no TOML, with the line, or that cannot be read).
Result<CargoConfig>
read_cargo_config(const std::filesystem::path& directory, const std::filesystem::path& root);

} // namespace slipway::core
