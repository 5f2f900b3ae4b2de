#pragma once

#include <filesystem>
#include <optional>

namespace slipway::core {

/// The way from `directory` to a path in it, "." for itself; none for a path elsewhere. Both are
/// absolute and normal, and nothing is asked of the file system.
std::optional<std::filesystem::path>
path_inside(const std::filesystem::path& path, const std::filesystem::path& directory);

/// Whether a path is that directory, or in it.
bool is_in(const std::filesystem::path& path, const std::filesystem::path& directory);

} // namespace slipway::core
