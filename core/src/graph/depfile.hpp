#pragma once

#include <slipway/engine/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// The files that a compiler has read, from a depfile as gcc and clang write one with -MD (and
/// -MP), and rustc with --emit=dep-info: rules of make without commands. Each path once, in their
/// order, as it is written there: it may be absolute, or have a `..`.
///
/// Errors: invalid_argument: the text was cut, or no compiler wrote it. The message tells the line,
/// not the file.
Result<std::vector<std::string>> parse_depfile(std::string_view text);

} // namespace slipway::core
