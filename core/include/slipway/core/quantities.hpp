#pragma once

#include <slipway/engine/result.hpp>

#include <cstdint>
#include <string>

namespace slipway::core {

/// The value of --memory: "512m", "1.5g" in bytes; b, k, m, g are powers of 1024, in either case.
/// Errors: invalid_argument.
Result<std::int64_t> parse_memory(const std::string& text);

/// The value of --cpus: "2", "0.5". Errors: invalid_argument.
Result<double> parse_cpus(const std::string& text);

} // namespace slipway::core
