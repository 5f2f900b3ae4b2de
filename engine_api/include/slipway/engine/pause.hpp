#pragma once

#include <slipway/engine/result.hpp>

#include <chrono>

namespace slipway::engine {

/// Waits that long. Errors: cancelled, also when the cancellation came just as the time was up.
Task<> pause(std::chrono::steady_clock::duration length);

} // namespace slipway::engine
