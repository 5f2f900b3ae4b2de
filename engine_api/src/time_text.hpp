#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::engine {

using Moment = std::chrono::sys_time<std::chrono::nanoseconds>;

/// "1700000000.000000012": seconds since 1970 as queries want them. Negative before 1970.
std::string unix_text(Moment moment);

/// Reads RFC 3339 as Go writes it, "2026-11-22T12:37:48.659825132Z" or with an offset. Nothing for
/// what is malformed or further from 1970 than nanoseconds reach, as is Go's year 1.
std::optional<Moment> parse_rfc3339(std::string_view text);

} // namespace slipway::engine
