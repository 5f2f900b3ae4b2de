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

/// Whether a command may get packages or news of them from a registry, and how that is done with
/// tokens that the command's own programs must not have.
struct CargoFetching {
    enum When {
        never,
        before, ///< all that it needs comes by `fetch_args`
        itself, ///< it does that and runs nothing of any package
    };
    When when = never;
    std::vector<std::string> fetch_args; ///< "fetch" with those of its options that cargo was given
    bool looks_for_news = false;         ///< it asks though nothing is missing
    bool from_default = false;           ///< the default registry, when none is named
    std::vector<std::string> registries; ///< values of --registry
};
CargoFetching fetching_of(const std::vector<std::string>& args);

/// `cargo clean` of everything, not of a package, a profile or a target, and not only to tell.
bool cleans_all(const std::vector<std::string>& args);

} // namespace slipway::core
