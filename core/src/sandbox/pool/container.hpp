#pragma once

#include "sandbox/pool/directory.hpp"

#include <slipway/core/lease.hpp>
#include <slipway/engine/container_spec.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace slipway::core::pool {

/// Where things stand in a sandbox.
inline constexpr const char* agent_directory = "/.slipway-agent"; ///< the volume with the agent
inline constexpr const char* agent_path = "/.slipway-agent/slipway-agent";
inline constexpr const char* socket_directory = "/.slipway"; ///< Entry::socket's, on that road
inline constexpr const char* bridge_socket = "/.slipway/s";

inline constexpr std::string_view purpose = "sandbox";
inline constexpr std::string_view scratch_purpose = "scratch"; ///< podman keeps no label of these

/// Who runs the jobs.
struct Ids {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};
/// "uid:gid" of a spec. Errors: invalid_argument.
Result<Ids> parse_ids(const std::string& user);

/// What no sandbox can be made of, or leased by. Errors: invalid_argument, unsupported.
Result<> check(const SandboxSpec& spec);
Result<> check(const PoolOptions& options);

std::int64_t nano_cpus(double cpus) noexcept;

/// What holds for every sandbox: what of it can be written to, and what it may use.
void confine(engine::ContainerSpec& container, const SandboxSpec& spec);

/// What the engine is asked for. The agent is PID 1 and root, with the capabilities that it needs
/// to give scratch directories and jobs to `user`; a job gets none of them.
engine::ContainerSpec container_spec(
    const SandboxSpec& spec,
    const PoolOptions& options,
    const Entry& entry,
    const std::string& agent_volume,
    const std::string& pool, ///< see pool_mark
    Road road
);

} // namespace slipway::core::pool
