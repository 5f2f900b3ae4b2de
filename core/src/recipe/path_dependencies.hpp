#pragma once

#include <filesystem>
#include <vector>

namespace slipway::core {

/// What cargo reads outside of a workspace: the packages that its manifests, and theirs in turn,
/// name by `path`, each with the workspace around it, from which it may inherit. A directory that
/// has the root below it is itself among them, and its packages' workspaces then are not. Sorted;
/// none is below another. What is missing or cannot be parsed is left to cargo to complain about.
///
/// `root` has no symlinks, and neither have these; `home` is not taken for a workspace.
std::vector<std::filesystem::path>
path_dependencies_outside(const std::filesystem::path& root, const std::filesystem::path& home);

/// The directories of all packages that cargo reads for the workspace, also of those outside.
std::vector<std::filesystem::path>
packages_of(const std::filesystem::path& root, const std::filesystem::path& home);

} // namespace slipway::core
