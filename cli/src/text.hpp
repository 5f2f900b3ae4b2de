#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::cli {

/// `text` on one line of `columns` columns at most: control characters and escape sequences are
/// taken out, tabs and line ends become spaces, and what is too long loses its middle to "...".
/// Every code point counts as one column.
std::string one_line(std::string_view text, std::size_t columns);

/// `text` without escape sequences and without control characters other than line ends and tabs.
/// A carriage return starts its line anew, as a terminal shows it.
std::string plain(std::string_view text);

/// The lines of `text`, without their ends; a final line end makes no empty line.
std::vector<std::string_view> lines_of(std::string_view text);

/// "1.2 GB", "340 kB": powers of 1000, three digits at most.
std::string size_text(std::uint64_t bytes);

/// The number of code points.
std::size_t width_of(std::string_view text) noexcept;

} // namespace slipway::cli
