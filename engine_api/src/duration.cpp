#include <slipway/engine/duration.hpp>

#include <algorithm>
#include <cstdint>

namespace slipway::engine {

namespace {

/// "1.5" of 15 tenths, "2" of 20.
std::string from_tenths(std::int64_t tenths)
{
    std::string text = std::to_string(tenths / 10);
    if (tenths % 10 != 0) text += "." + std::to_string(tenths % 10);
    return text;
}

} // namespace

std::string duration_text(std::chrono::nanoseconds time)
{
    using namespace std::chrono_literals;
    time = std::max(time, 0ns);
    if (time < 10ms) return from_tenths(time / 100us) + " ms";
    if (time < 1s) return std::to_string(time / 1ms) + " ms";
    if (time < 1min) return from_tenths(time / 100ms) + " s";
    const std::int64_t seconds = time / 1s;
    std::string text = std::to_string(seconds / 60) + " min";
    if (seconds % 60 != 0) text += " " + std::to_string(seconds % 60) + " s";
    return text;
}

} // namespace slipway::engine
