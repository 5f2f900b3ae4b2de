#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// How many single-character changes (insert, remove, replace, swap of two neighbours) lead from
/// one text to the other.
std::size_t edit_distance(std::string_view one, std::string_view other);

/// The word nearest to `typed`, if one is near enough to have been meant: a third of its letters
/// may differ, at least one. Else a word that contains what was typed (three letters or more), or
/// all its letters in their order (eight or more).
std::optional<std::string> nearest(std::string_view typed, const std::vector<std::string>& words);

} // namespace slipway::core
