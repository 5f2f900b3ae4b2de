#pragma once

namespace slipway::agent {

/// Joins stdin and stdout with the agent's socket until both directions have ended. The exit code.
/// Root connects, and goes on as a user that has nothing and to whom jobs can do nothing.
int bridge(const char* path);

} // namespace slipway::agent
