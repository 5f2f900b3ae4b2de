#pragma once

#include <string_view>

namespace slipway::core {

/// How jobs reach a sandbox. By its agent (see core/agent/PROTOCOL.md), or without one.
enum class Road {
    socket, ///< a Unix socket in a directory that the engine sees as well
    attach, ///< the container's own stdin and stdout
    bridge, ///< one exec, which joins them to a socket in the container
    exec,   ///< no agent: an exec for each job, and the engine's archive calls for files
};

std::string_view name(Road road) noexcept;

} // namespace slipway::core
