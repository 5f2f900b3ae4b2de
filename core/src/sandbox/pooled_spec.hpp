#pragma once

#include <slipway/core/lease.hpp>
#include <slipway/core/workspace.hpp>
#include <slipway/engine/endpoint.hpp>

#include <vector>

namespace slipway::core {

/// How a job's sandbox has the files of its workspace.
enum class Keeping {
    bound, ///< it has the directory itself
    kept,  ///< a copy that stays in the engine
    sent,  ///< a copy of its own
};

/// A job's workspace and the further directories, each as one, in the order in which they are
/// taken: that of two commands is the same.
std::vector<Workspace> parts_of(const Workspace& workspace);

/// The sandbox that a job wants; its toolchain only where it is bound. Errors: those of
/// bound_directory.
Result<SandboxSpec> spec_of(const Job& job, Owner owner, Keeping keeping);

/// What the job is within it.
LeasedJob leased_job(const Job& job, const engine::Endpoint& endpoint);

} // namespace slipway::core
