#pragma once

#include <slipway/engine/container_spec.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace slipway::engine {

/// New limits for a container, running or not. Absent members stay as they are.
struct ContainerUpdate {
    std::optional<std::int64_t> memory;             ///< bytes; raising it may need memory_swap too
    std::optional<std::int64_t> memory_swap;        ///< bytes of memory and swap; -1 = no limit
    std::optional<std::int64_t> memory_reservation; ///< bytes
    std::optional<std::int64_t> nano_cpus;          ///< 1e-9 CPU; podman ignores it: use the quota
    std::optional<std::int64_t> cpu_shares;
    std::optional<std::int64_t> cpu_period; ///< microseconds
    std::optional<std::int64_t> cpu_quota;  ///< microseconds
    std::string cpuset_cpus;                ///< "0-2"; empty: as it is
    std::string cpuset_mems;
    std::optional<std::int64_t> pids_limit;   ///< -1 = no limit
    std::optional<std::int64_t> blkio_weight; ///< 10 to 1000
    std::optional<RestartPolicy> restart{};
};

} // namespace slipway::engine
