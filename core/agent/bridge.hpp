#pragma once

namespace slipway::agent {

/// Joins stdin and stdout with the agent's socket until both directions have ended. The exit code.
int bridge(const char* path);

} // namespace slipway::agent
