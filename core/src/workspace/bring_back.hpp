#pragma once

#include "agent/kept_tree.hpp"
#include "sync/tree_scan.hpp"

#include <slipway/core/lease.hpp>
#include <slipway/core/workspace.hpp>
#include <slipway/engine/result.hpp>

#include <memory>

namespace slipway::core {

/// Whether a command's change to it is one of this side.
bool comes_back(const Workspace& workspace, const sync::StateEntry& entry);

/// Makes this side as the other one is, as far as that was changed by a command: `change` leads
/// from `here`, which was sent, to what is there; `news` tells of caches. All are borrowed.
///
/// Errors: those of fetch_workspace.
Task<Fetched> bring_back(
    std::shared_ptr<Lease> lease,
    const Workspace& workspace,
    const sync::Scan& here,
    const sync::StateChange& change,
    const TreeNews& news
);

} // namespace slipway::core
