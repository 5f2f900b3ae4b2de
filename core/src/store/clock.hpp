#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace slipway::store {

/// Added to the machine's clock: with it tests let it jump.
inline std::atomic<std::int64_t> clock_shift_ns{0};

/// Nanoseconds since 1970, as the machine's clock has it, which may jump.
inline std::int64_t now_ns()
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count() + clock_shift_ns;
}

} // namespace slipway::store
