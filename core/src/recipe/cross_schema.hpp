#pragma once

#include <slipway/engine/result.hpp>

#include <toml++/toml.h>

#include <string>
#include <vector>

namespace slipway::core {

/// Checks the table of cross's configuration, all its targets included: each known key has a value
/// of its type. Each unknown one gives a line in `warnings`, with the known key that is nearest.
///
/// Errors: invalid_argument (file, line and column of the value of a wrong type).
Result<> check_cross_table(const toml::node& table, std::vector<std::string>& warnings);

} // namespace slipway::core
