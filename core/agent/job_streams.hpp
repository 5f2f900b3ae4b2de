#pragma once

#include "agent/messages.hpp"
#include "descriptor.hpp"
#include "launch.hpp"

namespace slipway::agent {

/// Both sides of the streams of a job that is to be started.
struct StreamEnds {
    Fd terminal; ///< the master's side, when it has one
    Fd own;      ///< the job's stdin and stdout, of which we have nothing
    Fd in;       ///< ours, as the next two; none when stdin is empty
    Fd out;
    Fd err;
    Fd their_in;
    Fd their_out; ///< none with a terminal: it is the same as `their_in`
    Fd their_err;

    JobStreams theirs() const;
};

/// Pipes, or a terminal with its size; `own` stays where it is given. Ours do not block. False:
/// errno says why.
bool open_streams(const Run& run, StreamEnds& ends);

/// Tells a terminal its size.
bool set_size(const Fd& terminal, std::uint16_t rows, std::uint16_t columns);

} // namespace slipway::agent
