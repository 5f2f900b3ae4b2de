#include "container_request.hpp"
#include "containers_json.hpp"
#include "object_stream.hpp"
#include "secrets.hpp"
#include "time_text.hpp"

#include <slipway/engine/containers.hpp>
#include <slipway/engine/stats.hpp>

#include <algorithm>
#include <numeric>

namespace slipway {

namespace engine {

namespace {

/// As the engines nest it.
struct StatsText {
    struct Pids {
        std::uint64_t current = 0;
        std::uint64_t limit = 0;
    };
    struct CpuUsage {
        std::uint64_t total = 0;
        std::uint64_t kernel = 0;
        std::uint64_t user = 0;
        std::vector<std::uint64_t> per_cpu;
    };
    struct Throttling {
        std::uint64_t periods = 0;
        std::uint64_t throttled_periods = 0;
        std::uint64_t throttled = 0;
    };
    struct Cpu {
        CpuUsage usage;
        std::uint64_t system = 0;
        std::uint32_t online = 0;
        Throttling throttling;
    };
    struct Blocks {
        std::vector<BlockStats> bytes;
        std::vector<BlockStats> operations;
    };
    std::string id;
    std::string podman_id; ///< the same; podman writes its name with a capital
    std::string name;
    std::string refusal; // in place of all others
    std::string read_at;
    std::string previous_at;
    Cpu cpu;
    Cpu previous_cpu;
    MemoryStats memory;
    Pids pids;
    Blocks blocks;
    std::map<std::string, NetworkStats> networks;
};

} // namespace

} // namespace engine

template <>
struct json::Fields<engine::MemoryStats> {
    using T = engine::MemoryStats;
    static constexpr auto list = std::tuple{
        json::optional("usage", &T::usage),
        json::optional("max_usage", &T::max_usage),
        json::optional("limit", &T::limit),
        json::optional("failcnt", &T::failures),
        json::optional("stats", &T::details)};
};
template <>
struct json::Fields<engine::NetworkStats> {
    using T = engine::NetworkStats;
    static constexpr auto list = std::tuple{
        json::optional("rx_bytes", &T::received_bytes),
        json::optional("rx_packets", &T::received_packets),
        json::optional("rx_errors", &T::received_errors),
        json::optional("rx_dropped", &T::received_dropped),
        json::optional("tx_bytes", &T::sent_bytes),
        json::optional("tx_packets", &T::sent_packets),
        json::optional("tx_errors", &T::sent_errors),
        json::optional("tx_dropped", &T::sent_dropped)};
};
template <>
struct json::Fields<engine::BlockStats> {
    using T = engine::BlockStats;
    static constexpr auto list = std::tuple{
        json::optional("major", &T::major),
        json::optional("minor", &T::minor),
        json::optional("op", &T::operation),
        json::optional("value", &T::value)};
};
template <>
struct json::Fields<engine::StatsText::Pids> {
    using T = engine::StatsText::Pids;
    static constexpr auto list =
        std::tuple{json::optional("current", &T::current), json::optional("limit", &T::limit)};
};
template <>
struct json::Fields<engine::StatsText::CpuUsage> {
    using T = engine::StatsText::CpuUsage;
    static constexpr auto list = std::tuple{
        json::optional("total_usage", &T::total),
        json::optional("usage_in_kernelmode", &T::kernel),
        json::optional("usage_in_usermode", &T::user),
        json::optional("percpu_usage", &T::per_cpu)};
};
template <>
struct json::Fields<engine::StatsText::Throttling> {
    using T = engine::StatsText::Throttling;
    static constexpr auto list = std::tuple{
        json::optional("periods", &T::periods),
        json::optional("throttled_periods", &T::throttled_periods),
        json::optional("throttled_time", &T::throttled)};
};
template <>
struct json::Fields<engine::StatsText::Cpu> {
    using T = engine::StatsText::Cpu;
    static constexpr auto list = std::tuple{
        json::optional("cpu_usage", &T::usage),
        json::optional("system_cpu_usage", &T::system),
        json::optional("online_cpus", &T::online),
        json::optional("throttling_data", &T::throttling)};
};
template <>
struct json::Fields<engine::StatsText::Blocks> {
    using T = engine::StatsText::Blocks;
    static constexpr auto list = std::tuple{
        json::optional("io_service_bytes_recursive", &T::bytes),
        json::optional("io_serviced_recursive", &T::operations)};
};
template <>
struct json::Fields<engine::StatsText> {
    using T = engine::StatsText;
    static constexpr auto list = std::tuple{
        json::optional("id", &T::id),
        json::optional("Id", &T::podman_id),
        json::optional("name", &T::name),
        json::optional("read", &T::read_at),
        json::optional("message", &T::refusal),
        json::optional("preread", &T::previous_at),
        json::optional("cpu_stats", &T::cpu),
        json::optional("precpu_stats", &T::previous_cpu),
        json::optional("memory_stats", &T::memory),
        json::optional("pids_stats", &T::pids),
        json::optional("blkio_stats", &T::blocks),
        json::optional("networks", &T::networks)};
};

namespace engine {

namespace {

CpuStats cpu_from(StatsText::Cpu&& said)
{
    CpuStats cpu;
    cpu.total = said.usage.total;
    cpu.kernel = said.usage.kernel;
    cpu.user = said.usage.user;
    cpu.per_cpu = std::move(said.usage.per_cpu);
    cpu.system = said.system;
    cpu.online_cpus = said.online;
    cpu.periods = said.throttling.periods;
    cpu.throttled_periods = said.throttling.throttled_periods;
    cpu.throttled = said.throttling.throttled;
    return cpu;
}

/// Go's year 1 stands for no time, and parse_rfc3339 does not reach it.
Result<ContainerStats> read_stats(std::string_view text)
{
    TRY(StatsText said, json::decode<StatsText>(std::string(text)));
    // Podman 5 says "container is stopped" in an answer of status 200.
    if (said.read_at.empty() && !said.refusal.empty()) {
        return fail(Errc::conflict, one_line(said.refusal));
    }
    if (said.read_at.empty()) return fail(Errc::protocol, "the engine's reply: $.read is missing");
    ContainerStats stats;
    stats.id = said.id.empty() ? std::move(said.podman_id) : std::move(said.id);
    stats.name = std::move(said.name);
    drop_slash(stats.name);
    stats.read_at = parse_rfc3339(said.read_at);
    stats.previous_at = parse_rfc3339(said.previous_at);
    stats.cpu = cpu_from(std::move(said.cpu));
    stats.previous_cpu = cpu_from(std::move(said.previous_cpu));
    stats.memory = std::move(said.memory);
    stats.pids = said.pids.current;
    stats.pids_limit = said.pids.limit;
    stats.networks = std::move(said.networks);
    stats.block_bytes = std::move(said.blocks.bytes);
    stats.block_operations = std::move(said.blocks.operations);
    return stats;
}

bool is_blank(std::string_view text)
{
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

/// dockerd gives zeros of no time for a container that does not run, podman 4 an empty answer.
Result<ContainerStats> read_running_stats(std::string_view text)
{
    if (is_blank(text)) return fail(Errc::conflict, "the container does not run");
    TRY(ContainerStats stats, read_stats(text));
    if (!stats.read_at) return fail(Errc::conflict, "the container does not run");
    return stats;
}

Task<ContainerStats> ask_stats(Transport& transport, Result<Request> request, std::string doing)
{
    EngineAnswer answer;
    std::vector<std::string> secrets;
    if (request) {
        answer = answer_to(transport, *request, 0);
        secrets = secrets_of(transport, *request);
    }
    CO_TRY(const Response reply, co_await exchange(transport, std::move(request), doing));
    auto stats = read_running_stats(reply.body);
    if (!stats) {
        stats = fail(hide(std::move(stats).error(), secrets));
        answer.status = reply.status;
        stats.error().answer = std::move(answer);
    }
    co_return during(std::move(stats), std::move(doing));
}

} // namespace

class StatsStream::Impl {
public:
    explicit Impl(std::unique_ptr<ObjectStream> objects) : objects_(std::move(objects)) {}

    Task<std::optional<ContainerStats>> next()
    {
        CO_TRY(const auto text, co_await objects_->next());
        if (!text) co_return std::nullopt;
        auto stats = read_stats(*text);
        if (!stats) co_return fail(objects_->give_up(std::move(stats).error()));
        co_return std::optional<ContainerStats>(*std::move(stats));
    }

    void close() noexcept { objects_->close(); }

private:
    std::unique_ptr<ObjectStream> objects_;
};

namespace {

Task<StatsStream> open_stats(Transport& transport, Result<Request> request, std::string doing)
{
    CO_TRY(auto objects, co_await open_objects(transport, std::move(request), std::move(doing)));
    co_return StatsStream(std::make_unique<StatsStream::Impl>(std::move(objects)));
}

} // namespace

StatsStream::StatsStream() noexcept = default;
StatsStream::StatsStream(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
StatsStream::StatsStream(StatsStream&&) noexcept = default;
StatsStream& StatsStream::operator=(StatsStream&&) noexcept = default;
StatsStream::~StatsStream() = default;

Task<std::optional<ContainerStats>> StatsStream::next()
{
    return impl_ ? impl_->next() : refuse<std::optional<ContainerStats>>(nothing_held("stats"));
}

void StatsStream::close() noexcept
{
    if (impl_) impl_->close();
}

std::optional<double> cpu_percent(const ContainerStats& stats) noexcept
{
    if (!stats.previous_at || stats.cpu.system <= stats.previous_cpu.system
        || stats.cpu.total < stats.previous_cpu.total) {
        return std::nullopt;
    }
    std::size_t cpus = stats.cpu.online_cpus;
    if (cpus == 0) cpus = std::max<std::size_t>(stats.cpu.per_cpu.size(), 1);
    const auto used = static_cast<double>(stats.cpu.total - stats.previous_cpu.total);
    const auto all = static_cast<double>(stats.cpu.system - stats.previous_cpu.system);
    return used / all * static_cast<double>(cpus) * 100.0;
}

std::uint64_t memory_in_use(const ContainerStats& stats) noexcept
{
    // The name with cgroup v1, which counts the children in, and the one with v2.
    for (const char* const cache : {"total_inactive_file", "inactive_file"}) {
        const auto found = stats.memory.details.find(cache);
        if (found == stats.memory.details.end()) continue;
        return stats.memory.usage - std::min(stats.memory.usage, found->second);
    }
    return stats.memory.usage;
}

Task<ContainerStats> Containers::stats(std::string_view id, StatsSample sample)
{
    auto request = on_container("GET", id, "/stats");
    if (request) {
        request->query("stream", "0").query_flag("one-shot", sample == StatsSample::single);
    }
    return ask_stats(
        *transport_, std::move(request), doing_to_container("asking what is used by", id)
    );
}

Task<StatsStream> Containers::watch_stats(std::string_view id)
{
    return open_stats(
        *transport_,
        on_container("GET", id, "/stats"),
        doing_to_container("watching what is used by", id)
    );
}

} // namespace engine

} // namespace slipway
