#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace slipway::engine {

/// Makes one printable line of the engine's text: white space at the ends is dropped, line ends and
/// other control characters become spaces, bytes that are no UTF-8 become U+FFFD, and what is
/// longer than `max_bytes` ends in "...".
std::string one_line(std::string_view text, std::size_t max_bytes = 8192);

bool is_utf8(std::string_view text) noexcept;

} // namespace slipway::engine
