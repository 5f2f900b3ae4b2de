#pragma once

#include <slipway/engine/result.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace slipway::core {

/// The value of --memory: "512m", "1.5g" in bytes; b, k, m, g are powers of 1024, in either case.
/// Errors: invalid_argument.
Result<std::int64_t> parse_memory(const std::string& text);

/// A size that an option has: "10G", "1.5t", "0" in bytes; b, k, m, g, t are powers of 1024, in
/// either case. Errors: invalid_argument.
Result<std::uint64_t> parse_size(std::string_view option, const std::string& text);

/// A time that an option has: "90s", "30min", "12h", "30d", "2w", or "0".
/// Errors: invalid_argument.
Result<std::chrono::seconds> parse_duration(std::string_view option, const std::string& text);

/// The value of --cpus: "2", "0.5". Errors: invalid_argument.
Result<double> parse_cpus(const std::string& text);

} // namespace slipway::core
