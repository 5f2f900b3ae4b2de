#pragma once

#include "recipe/cross_settings.hpp"

#include <vector>

namespace slipway::core {

/// What the key image.toolchain and its variable say of the target's image, in order.
/// Errors: invalid_argument (neither a platform nor a triple; a platform whose triple is not
/// known).
Result<std::vector<ImageToolchain>> read_image_toolchains(const CrossSettings& settings);

} // namespace slipway::core
