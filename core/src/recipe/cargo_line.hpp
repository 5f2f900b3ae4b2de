#pragma once

#include <slipway/engine/result.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

/// What cargo's arguments say. All that follows "--" belongs to somebody else.
namespace slipway::core {

/// The options that decide where things are; empty where they are not given.
struct CargoOptions {
    std::string target;
    std::string manifest_path;
    std::string target_dir;
};

/// Errors: invalid_argument (without a value, or given twice).
Result<CargoOptions> read_cargo_options(const std::vector<std::string>& args);

/// Options that stand before the subcommand and have a word of their own as value.
inline constexpr auto cargo_options_with_word =
    std::to_array<std::string_view>({"--color", "--config", "-C", "-Z"});

/// Whether the subcommand is one of cargo's own that do nothing without a package. Any other may be
/// an alias, a program of the image's, or one that makes a package.
bool wants_manifest(const std::vector<std::string>& args);

/// `cargo clean` of everything, not of a package, a profile or a target, and not only to tell.
bool cleans_all(const std::vector<std::string>& args);

} // namespace slipway::core
