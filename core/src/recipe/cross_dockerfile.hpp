#pragma once

#include "recipe/cross_settings.hpp"

#include <filesystem>
#include <optional>

namespace slipway::core {

/// The Dockerfile that is configured, read, and what goes with it. Its path and the context's start
/// from `root`, which they may not leave; the context is `root` when nothing names one.
/// Errors: invalid_argument.
Result<std::optional<CrossDockerfile>>
read_dockerfile(const CrossSettings& settings, const std::filesystem::path& root);

} // namespace slipway::core
