#pragma once

#include "context.hpp"

#include <slipway/engine/result.hpp>

#include <string>

namespace slipway::cli {

/// Runs a command to its end on this thread, on an io_context of its own, and returns the exit
/// code: the command's value, or that of its error, which is printed here.
///
/// The first SIGINT, SIGQUIT, SIGTERM or SIGHUP becomes `context.ended_by` and cancels the command:
/// operations under way end with Errc::cancelled, and later ones work, so that clean-up is plain
/// code after them. One that was ignored when the process began, as nohup has it, stays ignored. A
/// second signal cancels again, which cuts short what clean-up still waits for. A third ends the
/// process at once through std::quick_exit: what must happen then (a terminal to set back) is
/// registered with std::at_quick_exit. The exit code is 128 + the first signal's number if the
/// command ends with an error.
int run(Context& context, Task<int> command);

/// "SIGTERM", of one of those four; "SIGINT" of any other number.
std::string signal_name(int signal_number);

} // namespace slipway::cli
