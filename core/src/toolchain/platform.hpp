#pragma once

#include <string>
#include <string_view>

namespace slipway::core {

/// How engines name the platform that programs of a triple run on: "linux/arm64" of
/// "aarch64-unknown-linux-gnu". Empty: of none that has containers of ours.
std::string platform_of_triple(std::string_view triple);

/// The usual triple of such a platform, of the two that have one: linux/amd64 and linux/arm64.
std::string triple_of_platform(std::string_view platform);

} // namespace slipway::core
