#pragma once

#include "agent/messages.hpp"
#include "launch.hpp"

#include <cstdint>

namespace slipway::agent {

/// What the agent tells a job's supervisor, one datagram each.
struct Order {
    enum Kind : std::uint8_t { signal, kill } kind = signal;
    std::uint8_t number = 0; ///< of the signal
};

/// What a supervisor tells the agent, one datagram each: `started` and then `ended`, or `failed`.
struct Notice {
    enum Kind : std::uint8_t { started, failed, ended } kind = started;
    std::int32_t pid = 0;      ///< started
    LaunchFailure failure;     ///< failed
    std::int32_t status = 0;   ///< ended: as waitpid gives it
    std::uint64_t user_us = 0; ///< ended: of all that the job started
    std::uint64_t system_us = 0;
    std::uint64_t memory_kib = 0;
    bool left_some = false; ///< ended: others were alive when the first process ended
    bool all_gone = false;  ///< ended: nobody is any more
};

/// The life of a job's supervisor, a child of the agent. All that the job starts stays below it,
/// because orphans become its children; when the first process has ended, or the agent says so, or
/// the agent is gone, it kills them all. `control` leads to the agent, `signals` is a signalfd with
/// SIGCHLD, `terminal` the master's side or -1.
[[noreturn]] void
supervise(const Run& run, const JobStreams& streams, int control, int signals, int terminal);

} // namespace slipway::agent
