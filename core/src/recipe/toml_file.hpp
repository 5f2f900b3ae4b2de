#pragma once

#include <slipway/engine/result.hpp>

#include <toml++/toml.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace slipway::core {

/// What an error tells of a mistake: the parser's words may repeat a part of the text.
enum class TomlMistakes {
    described,
    placed, ///< where it is, alone
};

/// Parses TOML; the places of its parts are in `file`, which is not read. Tables may be nested some
/// hundred deep: more would exhaust the stack.
///
/// Errors: invalid_argument (with file, line and column).
Result<toml::table> parse_toml(
    std::string_view text,
    const std::filesystem::path& file,
    TomlMistakes mistakes = TomlMistakes::described
);

/// Reads and parses a file. Errors: invalid_argument (also no regular file, or larger than 8 MiB).
Result<toml::table>
read_toml(const std::filesystem::path& file, TomlMistakes mistakes = TomlMistakes::described);

/// "/w/Cross.toml:3:9".
std::string place_of(const toml::source_region& source);

/// "an integer", as an error says it.
std::string_view kind_of_node(const toml::node& node);

} // namespace slipway::core
