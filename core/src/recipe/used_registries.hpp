#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>

namespace slipway::core {

/// Registries that something asks for.
struct UsedRegistries {
    std::set<std::string> keys;    ///< of their names: see registry_key
    std::set<std::string> indexes; ///< see same_index
};

/// An index as it is compared: without a slash or ".git" at its end, nor the "registry+" of a lock.
std::string same_index(std::string_view index);

/// What `Cargo.lock` at the root and the manifests of the workspace, also of packages that these
/// name by `path`, ask for. What cannot be read is left to cargo to complain about.
UsedRegistries
used_registries(const std::filesystem::path& root, const std::filesystem::path& home);

} // namespace slipway::core
