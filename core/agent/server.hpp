#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace slipway::agent {

struct ServeOptions {
    std::string socket; ///< path, or empty
    bool stdio = false;
    std::chrono::milliseconds idle{0};
    std::vector<std::string> scratch;
};

/// Serves one client after the other until it has had none for the idle time, its stdin ends or it
/// gets SIGTERM or SIGINT. The exit code.
int serve(const ServeOptions& options);

} // namespace slipway::agent
