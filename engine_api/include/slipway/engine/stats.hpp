#pragma once

#include <slipway/engine/transport.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace slipway::engine {

/// Processor time since the container's start, in nanoseconds.
struct CpuStats {
    std::uint64_t total = 0;
    std::uint64_t kernel = 0;
    std::uint64_t user = 0;
    std::vector<std::uint64_t> per_cpu; ///< empty with cgroup v2
    std::uint64_t system = 0;           ///< of the whole machine
    std::uint32_t online_cpus = 0;
    std::uint64_t periods = 0; ///< of the CPU quota
    std::uint64_t throttled_periods = 0;
    std::uint64_t throttled = 0; ///< nanoseconds
};

/// In bytes.
struct MemoryStats {
    std::uint64_t usage = 0;     ///< with the page cache: see `memory_in_use`
    std::uint64_t max_usage = 0; ///< cgroup v1
    std::uint64_t limit = 0;
    std::uint64_t failures = 0;                   ///< to stay below the limit; cgroup v1
    std::map<std::string, std::uint64_t> details; ///< the cgroup's own; podman 4 has none
};

/// Since the container's start.
struct NetworkStats {
    std::uint64_t received_bytes = 0;
    std::uint64_t received_packets = 0;
    std::uint64_t received_errors = 0;
    std::uint64_t received_dropped = 0;
    std::uint64_t sent_bytes = 0;
    std::uint64_t sent_packets = 0;
    std::uint64_t sent_errors = 0;
    std::uint64_t sent_dropped = 0;
};

/// One counter of one block device.
struct BlockStats {
    std::uint64_t major = 0;
    std::uint64_t minor = 0;
    std::string operation; ///< "read", "Write", "Total", ...: the spelling differs
    std::uint64_t value = 0;
};

/// A reading of what a container uses.
struct ContainerStats {
    using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

    std::string id;
    std::string name;                  ///< without the leading '/'
    std::optional<Time> read_at{};     ///< absent: the container does not run
    std::optional<Time> previous_at{}; ///< absent: there is no previous reading
    CpuStats cpu;
    CpuStats previous_cpu;
    MemoryStats memory;
    std::uint64_t pids = 0;
    std::uint64_t pids_limit = 0;                 ///< 0: none
    std::map<std::string, NetworkStats> networks; ///< by interface; podman: all in one
    std::vector<BlockStats> block_bytes;
    std::vector<BlockStats> block_operations; ///< cgroup v1
};

/// Percent of one processor between the previous reading and this: up to 100 for each processor.
/// Nothing without a previous reading.
std::optional<double> cpu_percent(const ContainerStats& stats) noexcept;

/// Bytes without that part of the page cache that can be dropped at once.
std::uint64_t memory_in_use(const ContainerStats& stats) noexcept;

/// Which readings `Containers::stats` waits for.
enum class StatsSample {
    single, ///< one, at once, with no previous
    pair,   ///< dockerd: two, about a second apart; podman: as `single`
};

/// Readings as they come: dockerd takes one each second, podman one in five. Dropping the stream
/// closes its connection.
class StatsStream {
public:
    class Impl;

    StatsStream() noexcept; ///< Holds nothing; reading it is Errc::internal.
    explicit StatsStream(std::unique_ptr<Impl> impl) noexcept;
    StatsStream(StatsStream&&) noexcept;
    StatsStream& operator=(StatsStream&&) noexcept;
    ~StatsStream();

    /// The next reading, or nothing at the end: dockerd goes on until the container is removed, and
    /// gives readings without `read_at` while it does not run; podman ends when it does not run.
    /// The object must outlive the task. An error is final: later calls repeat it.
    /// Errors: truncated (inside a reading), protocol, io, cancelled.
    Task<std::optional<ContainerStats>> next();

    /// Closes the connection; a pending read fails.
    void close() noexcept;

private:
    std::unique_ptr<Impl> impl_;
};

} // namespace slipway::engine
