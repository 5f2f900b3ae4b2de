#pragma once

#include <string>
#include <string_view>

namespace slipway::core {

/// Tells this process from any other, on this machine or elsewhere:
/// "BOOT/PID-NAMESPACE/PID/START-TIME". The last is in clock ticks since the boot.
std::string process_mark();

enum class Liveness {
    alive,
    dead,
    unknown, ///< another machine's, or out of sight in another namespace
};

/// Whether the process with that mark is still there.
Liveness liveness(std::string_view mark);

} // namespace slipway::core
