#pragma once

#include <chrono>

namespace slipway::core {

/// How a session with an agent is held.
struct SessionOptions {
    /// The stream is used by clients one after the other (the attach road): what an earlier one has
    /// left in it, in either direction, is passed over.
    bool shared_stream = false;
    std::chrono::milliseconds lease{10'000};        ///< renewed while the session is open
    std::chrono::milliseconds answer_within{5'000}; ///< of the agent, to the hello
    std::chrono::milliseconds reset_within{30'000};
    /// After so long without a byte of the agent, which answers each renewal, the sandbox is given
    /// up. Neither the sleep of this machine counts nor that this program was stopped.
    std::chrono::milliseconds silent_for{30'000};
    /// How long a job may go on after its deadline, which the agent keeps.
    std::chrono::milliseconds overdue_for{5'000};
};

} // namespace slipway::core
