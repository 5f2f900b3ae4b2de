#pragma once

#include <string_view>

namespace slipway::cli {

/// Of this program: "0.1.0".
inline constexpr std::string_view version = SLIPWAY_VERSION;

} // namespace slipway::cli
