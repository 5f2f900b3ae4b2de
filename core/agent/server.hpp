#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace slipway::agent {

struct Owner {
    uid_t uid = 0;
    gid_t gid = 0;
};

struct ServeOptions {
    std::string socket; ///< path, or empty
    bool stdio = false;
    /// As PID 1, clients on the socket are processes outside; with this, also those of root that
    /// were started inside from outside, such as `bridge`. A job of the sandbox is neither.
    bool bridge = false;
    /// The IPC namespace is the sandbox's own, and emptied with the rest. With the machine's own
    /// the agent does not begin.
    bool ipc = false;
    std::chrono::milliseconds idle{0};
    std::vector<std::string> scratch;
    bool keep = false;             ///< what is in them stays when a session ends
    std::vector<std::string> kept; ///< directories that outlive the sandbox
    /// Whose the scratch and kept directories and the socket are; unset: as they are.
    std::optional<Owner> owner;
};

/// Serves one client after the other until it has had none for the idle time, its stdin ends or it
/// gets SIGTERM or SIGINT. The exit code.
int serve(const ServeOptions& options);

} // namespace slipway::agent
