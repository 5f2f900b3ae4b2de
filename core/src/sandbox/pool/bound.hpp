#pragma once

#include "agent/session.hpp"

#include <slipway/core/bound_directory.hpp>
#include <slipway/engine/result.hpp>

#include <vector>

namespace slipway::core::pool {

/// Whether a sandbox really has these directories of this machine, and its user owns there what
/// ours owns here. Its agent answers by a socket in a directory that was bound, too, so both are
/// of one kernel, and device and inode tell the one directory. `session` is borrowed.
///
/// Errors: unsupported (it has not: the message tells of which), those of the session.
Task<> check_bound(AgentSession& session, std::vector<BoundDirectory> bound, AgentIds ids);

/// What is told where the engine does not see a directory.
Error not_seen(const std::string& path);

/// The engine's refusal of a container as such an error, where it is about one of these.
Error as_not_seen(Error refusal, const std::vector<BoundDirectory>& bound);

} // namespace slipway::core::pool
