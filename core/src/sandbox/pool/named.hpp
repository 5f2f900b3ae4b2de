#pragma once

#include "sandbox/pool/directory.hpp"

#include <slipway/core/lease.hpp>
#include <slipway/engine/container_spec.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/endpoint.hpp>

#include <string>

/// Persistent sandboxes. Their containers say by labels what they are, since they outlive the
/// directory of the pools, which is gone when this machine is started anew.
namespace slipway::core::pool {

/// Where the entry of the sandbox of that name stands, or stood: its last part is the container's
/// name, which tells machine, user, pool and engine.
std::filesystem::path place_of_named(
    const std::filesystem::path& base, const engine::Endpoint& endpoint, const std::string& name
);

/// Whether a process of this user has the entry that stood there and was removed meanwhile, as at
/// the end of a session: its lock holds no more, its lease does.
bool is_held_elsewhere(const std::filesystem::path& directory);

/// The entry of the sandbox of that name, ours from now on.
///
/// Errors: conflict (somebody has it), io.
Result<Entry> named_entry(
    const std::filesystem::path& base, const engine::Endpoint& endpoint, const std::string& name
);

Error named_in_use(const std::string& name);

/// Makes a container a persistent sandbox.
void name_it(
    engine::ContainerSpec& container, const SandboxSpec& spec, const std::string& name, Road road
);

/// How the agent of one that is there is reached.
///
/// Errors: conflict (it was made of another spec).
Result<Road> road_of_named(
    const engine::ContainerInfo& container, const SandboxSpec& spec, const std::string& name
);

} // namespace slipway::core::pool
