#pragma once

#include <slipway/core/unit_file.hpp>

#include <string>
#include <string_view>
#include <vector>

/// How errors speak of a unit file.
namespace slipway::core {

/// A part of the file as text of one line that is not too long to read.
std::string brief(std::string_view text);
/// The same in single quotes.
std::string in_quotes(std::string_view text);

/// "slipway.toml:3": without directory and column, for a second place in one error.
std::string line_of(const std::filesystem::path& file, const FilePlace& place);

/// An error at a place: "/w/slipway.toml:3:9: what".
tl::unexpected<Error> unit_mistake(
    const std::filesystem::path& file,
    const FilePlace& place,
    std::string_view what,
    std::string hint
);

/// "did you mean generate?", or "the units are a, b and 7 more" with `most` names.
std::string meant_or_all(
    std::string_view typed,
    const std::vector<std::string>& names,
    std::string_view what_all_are,
    std::size_t most = 8
);

/// Whether `name` is one of the file's units: `key` is where it stands. Errors: invalid_argument.
Result<> check_unit_exists(const UnitFile& file, std::string_view key, const UnitPath& name);

/// 1 to 64 of [A-Za-z0-9._-], the first one no dot or dash.
bool is_unit_name(std::string_view name) noexcept;
inline constexpr std::string_view unit_name_rule =
    "a name has 1 to 64 letters, digits and - _ . with no . or - in front";

} // namespace slipway::core
