#pragma once

#include <slipway/engine/result.hpp>

#include <cstddef>
#include <filesystem>
#include <string>

namespace slipway::core {

/// The bytes of a regular file of `max_bytes` at most. Errors: invalid_argument.
Result<std::string> read_small_file(const std::filesystem::path& file, std::size_t max_bytes);

} // namespace slipway::core
