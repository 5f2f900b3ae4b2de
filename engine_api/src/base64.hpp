#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace slipway::engine {

/// Padded base64.
std::string base64(std::string_view bytes);

/// Padded base64 in the alphabet of URLs, as the engine's headers want it.
std::string base64_url(std::string_view bytes);

/// Bytes of base64 in either alphabet, padded or not; nothing when it is neither.
std::optional<std::string> from_base64(std::string_view text);

} // namespace slipway::engine
