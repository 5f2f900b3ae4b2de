#include "sandbox/pool/container.hpp"

#include "ascii.hpp"
#include "sandbox/pool/key.hpp"

#include <slipway/core/labels.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace slipway::core::pool {

namespace {

// To own scratch directories and the socket, to clean up what jobs made unreadable, to become a
// job's user, to kill its processes, and to give all of this up in each job.
constexpr std::array agents_capabilities{
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "KILL",
    "SETGID",
    "SETPCAP",
    "SETUID",
};

engine::Mount mount_of(std::string type, std::string source, std::string target)
{
    engine::Mount mount;
    mount.type = std::move(type);
    mount.source = std::move(source);
    mount.target = std::move(target);
    return mount;
}

void add_agents_mounts(
    std::vector<engine::Mount>& mounts,
    const Entry& entry,
    const std::string& agent_volume,
    Road road
)
{
    mounts.push_back(mount_of("volume", agent_volume, agent_directory));
    mounts.back().read_only = true;
    if (road == Road::socket) {
        mounts.push_back(mount_of("bind", entry.socket().parent_path().string(), socket_directory));
    } else if (road == Road::bridge) {
        mounts.push_back(mount_of("tmpfs", "", socket_directory));
    }
}

std::chrono::milliseconds idle_of(const PoolOptions& options)
{
    constexpr std::chrono::hours for_ever(24 * 365 * 50);
    return options.policy == LeasePolicy::persistent ? for_ever : options.idle;
}

} // namespace

Result<Ids> parse_ids(const std::string& user)
{
    Ids ids;
    if (user.empty()) return ids;
    const char* const end = user.data() + user.size();
    const auto uid = std::from_chars(user.data(), end, ids.uid);
    if (uid.ec == std::errc() && uid.ptr != end && *uid.ptr == ':') {
        const auto gid = std::from_chars(uid.ptr + 1, end, ids.gid);
        if (gid.ec == std::errc() && gid.ptr == end) return ids;
    }
    return fail(Errc::invalid_argument, "the user of a sandbox is uid:gid, not '" + user + "'");
}

Result<> check(const SandboxSpec& spec)
{
    TRY([[maybe_unused]] const Ids ids, parse_ids(spec.user));
    if (spec.image.empty()) return fail(Errc::invalid_argument, "a sandbox without an image");
    std::vector<std::string> directories = spec.scratch;
    for (const KeptDirectory& kept : spec.kept) {
        directories.push_back(kept.path);
        if (kept.name.empty())
            return fail(Errc::invalid_argument, "a kept directory without a name");
    }
    for (const BoundDirectory& bound : spec.bound) {
        directories.push_back(bound.path);
    }
    for (const std::string& directory : directories) {
        const std::filesystem::path path(directory);
        const bool plain = path.lexically_normal() == path && path.has_filename();
        if (!path.is_absolute() || !plain || directory.find('\0') != std::string::npos) {
            return fail(
                Errc::invalid_argument,
                "a directory of a sandbox is an absolute path without '.' and '..', not '"
                    + directory + "'"
            );
        }
    }
    return ok();
}

Result<> check(const PoolOptions& options)
{
    const bool persistent = options.policy == LeasePolicy::persistent;
    if (!persistent && options.name.empty()) return ok();
    constexpr std::size_t longest_name = 64;
    const auto plain = [](char c) {
        return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
    };
    const std::string& name = options.name;
    if (!persistent) return fail(Errc::invalid_argument, "only a persistent sandbox has a name");
    if (name.empty() || name.size() > longest_name || name.front() == '.'
        || !std::all_of(name.begin(), name.end(), plain)) {
        return fail(
            Errc::invalid_argument,
            "the name of a sandbox has 1 to 64 letters, digits and '-', '_', '.', not '" + name
                + "'"
        );
    }
    if (!options.agent) {
        return fail(Errc::unsupported, "a persistent sandbox needs slipway's agent");
    }
    return ok();
}

std::int64_t nano_cpus(double cpus) noexcept
{
    constexpr double one_cpu = 1e9;
    return std::llround(cpus * one_cpu);
}

void confine(engine::ContainerSpec& container, const SandboxSpec& spec)
{
    engine::HostConfig& host = container.host;
    host.mounts = spec.mounts;
    for (const std::string& directory : spec.scratch) {
        host.mounts.push_back(mount_of("volume", "", directory)); // goes with the container
        engine::VolumeMountOptions& volume = host.mounts.back().volume.emplace();
        volume.no_copy = true;
        volume.labels = labels_for(scratch_purpose);
    }
    for (const KeptDirectory& kept : spec.kept) {
        host.mounts.push_back(mount_of("volume", volume_of(kept, spec.image), kept.path));
        host.mounts.back().volume.emplace().no_copy = true;
    }
    for (const BoundDirectory& bound : spec.bound) {
        host.mounts.push_back(mount_of("bind", bound.path, bound.path));
        host.mounts.back().read_only = bound.read_only;
    }
    host.network_mode = spec.network;
    host.auto_remove = true;
    host.readonly_rootfs = true;
    host.cap_drop.emplace_back("ALL");
    host.security_opt.emplace_back("no-new-privileges");
    host.log_config.emplace().type = "none";
    if (spec.limits.pids > 0) host.pids_limit = spec.limits.pids;
    if (spec.limits.memory_bytes > 0) host.memory = spec.limits.memory_bytes;
    if (spec.limits.cpus > 0) host.nano_cpus = nano_cpus(spec.limits.cpus);
}

engine::ContainerSpec container_spec(
    const SandboxSpec& spec,
    const PoolOptions& options,
    const Entry& entry,
    const std::string& agent_volume,
    const std::string& pool,
    Road road
)
{
    engine::ContainerSpec container;
    container.image = spec.image;
    container.name = entry.container();
    container.platform = spec.platform;
    container.user = "0:0";
    container.working_dir = "/";
    container.entrypoint.emplace();
    *container.entrypoint = {
        agent_path, "serve", "--idle-ms", std::to_string(idle_of(options).count())};
    if (road == Road::attach) {
        container.entrypoint->push_back("--stdio");
        container.open_stdin = container.attach_stdin = true;
        container.attach_stdout = true;
    } else {
        container.entrypoint->insert(container.entrypoint->end(), {"--socket", bridge_socket});
        if (road == Road::bridge) container.entrypoint->push_back("--bridge");
    }
    if (options.policy == LeasePolicy::persistent) container.entrypoint->push_back("--keep");
    if (!spec.user.empty()) {
        container.entrypoint->insert(container.entrypoint->end(), {"--owner", spec.user});
    }
    for (const std::string& directory : spec.scratch) {
        container.entrypoint->insert(container.entrypoint->end(), {"--scratch", directory});
    }
    for (const KeptDirectory& kept : spec.kept) {
        container.entrypoint->insert(container.entrypoint->end(), {"--kept", kept.path});
    }
    // Also writable, and not the image's.
    container.entrypoint->insert(container.entrypoint->end(), {"--scratch", "/dev/shm"});
    // So is what jobs leave in the kernel, of a namespace that is nobody else's.
    container.entrypoint->emplace_back("--ipc");
    container.host.ipc_mode = "private";
    container.labels = labels_for(purpose);
    container.labels.emplace(pool_label, pool);
    confine(container, spec);
    engine::HostConfig& host = container.host;
    add_agents_mounts(host.mounts, entry, agent_volume, road);
    host.cap_add.assign(agents_capabilities.begin(), agents_capabilities.end());
    return container;
}

} // namespace slipway::core::pool
