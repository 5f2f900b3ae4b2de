#pragma once

#include <slipway/core/cross_config.hpp>

#include <toml++/toml.h>

#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// What is being done, for errors.
inline constexpr std::string_view reading_cross = "reading the configuration of cross";

/// What all files say: one table, whose parts know where they stand.
struct CrossFiles {
    toml::table table;
    std::vector<std::string> warnings;
};

/// Finds, reads, checks and merges the files of read_cross_config, key by key.
/// Errors: invalid_argument.
Result<CrossFiles> read_cross_files(const CrossQuestion& question);

} // namespace slipway::core
