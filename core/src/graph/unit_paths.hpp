#pragma once

#include "agent/glob.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// What a path of a unit is for.
enum class UnitPathRole {
    input,   ///< a path or a pattern
    scratch, ///< the same
    list,    ///< a file whose lines are paths
    depfile, ///< a file
    output,  ///< a file, or with a slash at the end a directory
};

/// Why a text is no path of a unit.
struct UnitPathMistake {
    std::string what; ///< "'/x' is absolute"
    std::string hint;
};

/// Whether a text where both may stand is a pattern.
bool is_unit_pattern(std::string_view text) noexcept;

/// Checks a path. Of one where the slash at the end says nothing it is taken off. `file_name`: of
/// the unit file, which no unit may write.
std::optional<UnitPathMistake>
check_unit_path(std::string& text, UnitPathRole role, std::string_view file_name);

/// The same for a path in the sandbox, which is absolute and a directory. The hint may be empty.
std::optional<UnitPathMistake> check_absolute_path(std::string_view text);

/// A pattern, made ready to be held against paths that are not there yet.
class UnitPattern {
public:
    /// One that `check_unit_path` has found good.
    explicit UnitPattern(std::string_view text);

    /// The path, when the pattern has nothing but characters that mean themselves.
    bool is_literal() const noexcept { return literal_parts_ == parts_.size(); }
    /// The names that it begins with, with slashes between.
    const std::string& literal() const noexcept { return literal_; }
    /// Bytes that all paths begin with that it finds.
    const std::string& prefix() const noexcept { return prefix_; }

    /// Bytes that a name ends with by which it finds something, on the way or at the end.
    std::string_view suffix() const noexcept;

    /// Whether it finds this path or something above it, or could find something below it, where
    /// that is a directory.
    bool could_match(std::string_view path, bool is_directory) const;

private:
    using States = std::vector<char>; // for each part, and the end, whether it is next

    void reach(States& states, std::size_t part) const;

    std::vector<agent::ItemPart> parts_;
    std::size_t literal_parts_ = 0; // at the begin
    std::string literal_;
    std::string prefix_;
};

} // namespace slipway::core
