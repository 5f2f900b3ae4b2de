#include "sandbox/pool/key.hpp"

#include "agent/codec.hpp"
#include "agent/embedded.hpp"
#include "archive/content_hasher.hpp"
#include "sandbox/pool/container.hpp"

#include <fmt/format.h>

namespace slipway::core::pool {

namespace {

std::string digits(const std::string& record)
{
    const ContentHash hash = content_hash(record);
    return fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

std::uint64_t bits(std::int64_t number)
{
    return static_cast<std::uint64_t>(number);
}

void write_spec(agent::Writer& write, const SandboxSpec& spec)
{
    write(spec.image);
    write(spec.platform);
    write(spec.user);
    write(spec.network);
    write(spec.scratch);
    write(static_cast<std::uint64_t>(spec.mounts.size()));
    for (const engine::Mount& mount : spec.mounts) {
        write(mount.type);
        write(mount.source);
        write(mount.target);
        write(mount.read_only);
        write(mount.bind ? mount.bind->propagation : std::string());
        write(mount.volume.has_value() && mount.volume->no_copy);
        write(bits(mount.tmpfs ? mount.tmpfs->size_bytes.value_or(-1) : -1));
        write(bits(mount.tmpfs ? mount.tmpfs->mode.value_or(0) : 0));
    }
    write(static_cast<std::uint64_t>(spec.kept.size()));
    for (const KeptDirectory& kept : spec.kept) {
        write(kept.path);
        write(kept.name);
        write(kept.per_image);
    }
    write(static_cast<std::uint64_t>(spec.bound.size()));
    for (const BoundDirectory& bound : spec.bound) {
        write(bound.path);
        write(bound.file_system);
        write(bound.inode);
        write(bound.read_only);
    }
    write(bits(spec.limits.pids));
    write(bits(spec.limits.memory_bytes));
    write(bits(nano_cpus(spec.limits.cpus)));
}

} // namespace

std::string key(const engine::Endpoint& endpoint, const SandboxSpec& spec)
{
    std::string record;
    agent::Writer write(record);
    for (const agent::EmbeddedAgent& agent : agent::embedded_agents()) {
        write(agent.sha256);
    }
    write_spec(write, spec);
    return key(endpoint) + pooled_mark + digits(record);
}

std::string key(const engine::Endpoint& endpoint)
{
    return digits_of(to_string(endpoint));
}

std::string spec_mark(const SandboxSpec& spec)
{
    std::string record;
    agent::Writer write(record);
    write_spec(write, spec);
    return digits(record);
}

std::string volume_of(const KeptDirectory& kept, const std::string& image)
{
    return kept.per_image ? kept.name + "-" + digits_of(image) : kept.name;
}

std::string digits_of(const std::string& text)
{
    constexpr std::size_t enough = 8; // a user's engines are few
    return digits(text).substr(0, enough);
}

} // namespace slipway::core::pool
