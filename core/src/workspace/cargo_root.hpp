#pragma once

#include <filesystem>
#include <optional>

namespace slipway::core {

/// The cargo package around a directory, or the workspace around that.
std::optional<std::filesystem::path> cargo_root(const std::filesystem::path& directory);

} // namespace slipway::core
