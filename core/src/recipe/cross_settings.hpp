#pragma once

#include <slipway/core/cross_config.hpp>

#include <toml++/toml.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// What is set for one key, and where.
struct CrossSetting {
    std::string name;                 ///< "target.a-b-c.image", or the variable's
    std::string place;                ///< "/w/Cross.toml:3:9", or the variable's name
    const toml::node* node = nullptr; ///< in a file; lives as long as the files
    std::string text;                 ///< of the variable

    bool in_file() const noexcept { return node != nullptr; }
};

/// The values for one target, by the precedence of read_cross_config.
class CrossSettings {
public:
    /// Both must outlive this.
    CrossSettings(const CrossQuestion& question, const toml::table& files, std::string target);

    const std::string& target() const noexcept { return target_; }

    /// The winner of the target's variable, its key in the files, the variable CROSS_BUILD_<KEY>
    /// and the key of `build`. `key` has dots: "env.volumes".
    std::optional<CrossSetting> first(std::string_view key) const;

    std::optional<CrossSetting> target_variable(std::string_view key) const;
    std::optional<CrossSetting> target_key(std::string_view key) const;
    std::optional<CrossSetting> build_variable(std::string_view key) const;
    std::optional<CrossSetting> build_key(std::string_view key) const;
    /// A variable that is set and not empty.
    std::optional<CrossSetting> variable(std::string name) const;

    /// A line for each key and variable that looks as if it were meant for this target.
    std::vector<std::string> doubtful() const;

private:
    std::optional<CrossSetting>
    key(std::string path, std::initializer_list<std::string_view> above, std::string_view name
    ) const;
    std::string variables_of_target() const; // "CROSS_TARGET_A_B_C_"

    const CrossQuestion& question_;
    const toml::table& files_;
    std::string target_;
};

/// The words of a list in a variable: they are parted by white space.
std::vector<std::string> words_in(std::string_view text);

/// A value of a list, with its own place.
struct ListItem {
    std::string text;
    std::string place;
};

/// Of an array of strings in a file, or of the words in a variable. Empty when it is neither.
std::vector<ListItem> items_of(const CrossSetting& setting);

/// As cross reads a variable that is a switch: "true", "false", a number. Nothing: it is none.
std::optional<bool> as_switch(std::string_view text);

/// "<place>: Slipway cannot do <name> yet", unsupported; the hint is to remove it, or to unset the
/// variable: `instead` tells what happens or what to do then.
Error cannot_yet(const CrossSetting& setting, std::string_view instead);

/// "<place>: <what>", invalid_argument.
Error not_valid(const std::string& place, const std::string& what, std::string hint);

/// Refuses what cross can do and Slipway cannot, when it is set and would change the build.
/// Errors: unsupported.
Result<> refuse_what_cannot_be_done(const CrossSettings& settings);

} // namespace slipway::core
