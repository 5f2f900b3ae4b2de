#pragma once

#include <string>

namespace slipway::agent {

/// Whether this is the IPC namespace in which the machine was started: what is in it is not a
/// sandbox's.
bool is_machines_ipc();

/// Message queues that are not mounted at /dev/mqueue are seen by nobody who could remove them.
/// Where that is so, this process and all that it starts can make none from now on.
void forbid_hidden_queues();

/// Removes all System V shared memory, message queues and semaphores of this IPC namespace, and the
/// POSIX message queues where they are mounted at /dev/mqueue. No process may be left that uses
/// them. What an owner alone may remove is removed by a child that has become him. What is left, or
/// empty.
std::string clear_ipc();

} // namespace slipway::agent
