#pragma once

#include <chrono>
#include <string>

namespace slipway::engine {

/// A duration as a person reads it, with what is too small to matter cut off: "0.3 ms", "250 ms",
/// "1.5 s", "10 s", "1 min 30 s", "5 min". A negative one is none: "0 ms".
std::string duration_text(std::chrono::nanoseconds time);

} // namespace slipway::engine
