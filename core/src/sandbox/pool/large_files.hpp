#pragma once

#include "agent/session.hpp"
#include "sandbox/by_exec/sandbox.hpp"

#include <slipway/core/tree.hpp>
#include <slipway/engine/client.hpp>

#include <memory>
#include <string>
#include <vector>

namespace slipway::core::pool {

/// The times of what a `get` would pack, when that is a few paths with large files, and the engine
/// finds at them what the agent sees: those an engine on this machine gives faster by an archive
/// call than it moves an agent's output. None: it is not so.
///
/// Errors: cancelled.
Task<std::shared_ptr<const by_exec::FileTimes>> large_files(
    AgentSession& session,
    engine::Client client,
    std::string container,
    std::string directory,
    std::vector<TreeItem> items,
    AgentIds ids
);

} // namespace slipway::core::pool
