#pragma once

#include <toml++/toml.h>

#include <filesystem>
#include <vector>

namespace slipway::core {

/// The manifests of a workspace's packages, in the order of `members`, without its own one.
/// `workspace` is that table of the manifest in `root`.
std::vector<std::filesystem::path>
member_manifests(const std::filesystem::path& root, const toml::table& workspace);

} // namespace slipway::core
