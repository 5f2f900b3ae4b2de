#pragma once

#include <string_view>

namespace slipway::core {

/// Debian's name of the architecture of a target: "arm64". Empty: it has none.
std::string_view debian_architecture(std::string_view target);

/// Whether a stage or an image can have the name of this target: builders keep its letters small.
bool may_name_a_stage(std::string_view target);

} // namespace slipway::core
