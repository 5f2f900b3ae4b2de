#pragma once

#include <string_view>

namespace slipway::core {

/// How bytes reach the agent in a sandbox: see core/agent/PROTOCOL.md.
enum class Road {
    socket, ///< a Unix socket in a directory that the engine sees as well
    attach, ///< the container's own stdin and stdout
    bridge, ///< one exec, which joins them to a socket in the container
};

std::string_view name(Road road) noexcept;

} // namespace slipway::core
