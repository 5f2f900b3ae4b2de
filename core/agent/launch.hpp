#pragma once

#include "agent/messages.hpp"

#include <cstdint>

namespace slipway::agent {

/// What a job has as its stdin, stdout and stderr; the first two are the terminal's when it has
/// one, and then all three are the same.
struct JobStreams {
    int in = -1;
    int out = -1;
    int err = -1;
    int kept = -1; ///< of What::keep: what KeptDirectories has open
};

struct LaunchFailure {
    std::uint8_t step = 0; ///< a Step
    std::int32_t error = 0;
};

/// Becomes the job: streams, session, limits, ids, directory, then the program. Runs in a child
/// that may share its parent's memory (vfork). On failure writes a LaunchFailure to `report`, which
/// a started program closes.
[[noreturn]] void become_job(const Run& run, const JobStreams& streams, int report);

} // namespace slipway::agent
