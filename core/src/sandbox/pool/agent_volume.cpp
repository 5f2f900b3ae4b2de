#include "sandbox/pool/agent_volume.hpp"

#include "sandbox/pool/container.hpp"
#include "sandbox/pool/directory.hpp"
#include "sandbox/pool/key.hpp"
#include "sandbox/remove.hpp"
#include "sandbox/settle.hpp"

#include <slipway/core/labels.hpp>
#include <slipway/core/tar_writer.hpp>
#include <slipway/engine/archive.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/pause.hpp>
#include <slipway/engine/volumes.hpp>

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace slipway::core::pool {

using namespace std::chrono_literals;

namespace {

// The last file of the archive: where it is, everything before it is, too.
constexpr const char* complete = "complete";
constexpr std::size_t digest_digits = 16;

std::string memory_key(const engine::Client& client)
{
    return key(client.endpoint()) + "-agent";
}

std::string volume_name(const agent::EmbeddedAgent& agent)
{
    return "slipway-agent-" + std::string(agent.architecture) + "-"
           + std::string(agent.sha256.substr(0, digest_digits));
}

engine::ContainerSpec carrier_spec(const std::string& image, const std::string& volume)
{
    engine::ContainerSpec spec;
    spec.image = image;
    spec.name = unique_name(agent_purpose);
    spec.entrypoint.emplace().emplace_back("/never-started");
    spec.labels = labels_for(agent_purpose);
    spec.network_disabled = true;
    spec.host.network_mode = "none";
    engine::Mount mount;
    mount.type = "volume";
    mount.source = volume;
    mount.target = agent_directory;
    spec.host.mounts.push_back(std::move(mount));
    return spec;
}

std::shared_ptr<TarSource> agent_tar(std::string_view agent)
{
    PackOptions options;
    PackExtra program;
    program.path = "slipway-agent";
    program.mode = 0555;
    program.bytes = agent;
    PackExtra last;
    last.path = complete;
    last.mode = 0444;
    options.extras.push_back(std::move(program));
    options.extras.push_back(std::move(last));
    std::vector<PackRoot> roots;
    return pack(std::move(roots), std::move(options));
}

Task<> make_carrier(engine::Client client, engine::ContainerSpec spec)
{
    CO_CHECK(co_await engine::Containers(client.transport()).create(spec));
    co_return ok();
}

Task<> fill(engine::Client client, std::string container, std::string_view agent)
{
    engine::Archives archives(client.transport());
    const auto there =
        co_await archives.stat(container, std::string(agent_directory) + "/" + complete);
    if (there || there.error().code != Errc::not_found) {
        if (there) co_return ok();
        co_return fail(there.error());
    }
    const std::shared_ptr<engine::ByteSource> tar = agent_tar(agent);
    CO_CHECK(co_await archives.put(container, agent_directory, tar));
    co_return ok();
}

} // namespace

const agent::EmbeddedAgent* agent_for(std::string_view architecture)
{
    for (const agent::EmbeddedAgent& agent : agent::embedded_agents()) {
        if (agent.architecture == architecture) return &agent;
    }
    return nullptr;
}

Task<std::string> agent_volume(
    engine::Client client, std::filesystem::path base, std::string image, std::string architecture
)
{
    const agent::EmbeddedAgent* const agent = agent_for(architecture);
    if (agent == nullptr) {
        co_return fail(
            Errc::unsupported,
            "this build of slipway has no agent for " + architecture + " containers"
        );
    }
    const std::string name = volume_name(*agent);
    // A program that is being written cannot be executed.
    std::optional<posix::Fd> lock;
    for (;;) {
        if (recall(base, memory_key(client)) == name) co_return name;
        lock = try_lock(base, memory_key(client));
        if (lock) break;
        CO_CHECK(co_await engine::pause(10ms));
    }
    if (recall(base, memory_key(client)) == name) co_return name;
    engine::VolumeSpec volume;
    volume.name = name;
    volume.labels = labels_for(agent_purpose);
    engine::Volumes volumes(client.transport());
    CO_CHECK(co_await volumes.create(volume));
    const engine::ContainerSpec carrier = carrier_spec(image, name);
    const auto executor = co_await boost::asio::this_coro::executor;
    engine::Child making(executor, make_carrier(client, carrier));
    const Settled made = co_await settle(making);
    Result<> filled = made.result;
    if (made.interrupted) {
        filled = fail(Errc::cancelled, "interrupted");
    } else if (filled) {
        filled = co_await fill(client, carrier.name, agent->bytes);
    }
    const auto gone = co_await remove_container(client, carrier.name);
    CO_CHECK(during(std::move(filled), "putting the agent into the volume " + name));
    if (!gone && gone.error().code != Errc::not_found) co_return fail(gone.error());
    remember(base, memory_key(client), name);
    co_return name;
}

bool has_this_agent(const std::string& volume)
{
    const auto agents = agent::embedded_agents();
    return std::any_of(agents.begin(), agents.end(), [&](const agent::EmbeddedAgent& agent) {
        return volume_name(agent) == volume;
    });
}

void forget_agent_volume(const std::filesystem::path& base, const engine::Client& client)
{
    forget(base, memory_key(client));
}

} // namespace slipway::core::pool
