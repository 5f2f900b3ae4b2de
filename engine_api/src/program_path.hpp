#pragma once

#include <slipway/engine/result.hpp>

#include <filesystem>
#include <string_view>

namespace slipway::engine {

/// The file that a shell would run for `name`, by `path`, the value of PATH. Of that only absolute
/// directories count: what lies in the current one is not the user's choice.
/// Errors: not_found, permission_denied (all there are cannot be executed).
Result<std::filesystem::path> find_in_path(std::string_view path, std::string_view name);

} // namespace slipway::engine
