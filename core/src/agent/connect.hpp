#pragma once

#include <slipway/engine/bytes.hpp>

#include <chrono>
#include <filesystem>
#include <memory>

namespace slipway::core {

/// Connects to the Unix socket of an agent, however long its path is, and waits where the agent is
/// busy accepting others, for `limit` at most.
///
/// Errors: unreachable (no socket there, or nobody listens), permission_denied, timed_out,
///   invalid_argument (a name of more than 80 bytes), io, cancelled.
Task<std::unique_ptr<engine::DuplexStream>>
connect_agent(std::filesystem::path path, std::chrono::milliseconds limit);

} // namespace slipway::core
