#pragma once

#include <atomic>
#include <filesystem>
#include <iterator>

namespace slipway::test {

/// Frames of awaitables that there are now. Only programs with leaks.hpp count them.
inline std::atomic<long> live_coroutines{0};

inline long live_descriptors()
{
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<long>(std::distance(begin(all), end(all)));
}

} // namespace slipway::test
