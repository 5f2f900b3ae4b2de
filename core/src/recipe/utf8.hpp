#pragma once

#include <cstddef>
#include <string_view>

namespace slipway::core {

/// How many bytes the letter has that begins at `at`; 0: it is none of UTF-8.
std::size_t letter_at(std::string_view text, std::size_t at);

} // namespace slipway::core
