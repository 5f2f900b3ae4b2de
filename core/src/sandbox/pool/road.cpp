#include "sandbox/pool/road.hpp"

#include "agent/connect.hpp"
#include "doctor/file_sight.hpp"
#include "sandbox/pool/container.hpp"
#include "sandbox/pool/key.hpp"
#include "sandbox/settle.hpp"

#include <slipway/engine/containers.hpp>
#include <slipway/engine/exec.hpp>
#include <slipway/engine/traits.hpp>

#include <boost/asio/this_coro.hpp>

#include <sys/stat.h>

namespace slipway::core::pool {

namespace {

constexpr std::chrono::seconds connect_deadline{5};

Task<std::unique_ptr<engine::DuplexStream>> bridge(engine::Client client, std::string container)
{
    engine::Execs execs(client.transport());
    engine::ExecSpec spec;
    spec.cmd = {agent_path, "bridge", bridge_socket};
    spec.attach_stdin = true;
    CO_TRY(const std::string exec, co_await execs.create(container, spec));
    CO_TRY(auto stream, co_await execs.start(exec));
    co_return without_frames(std::move(stream));
}

bool is_local(const engine::Client& client)
{
    return client.endpoint().scheme == engine::Endpoint::Scheme::unix_socket;
}

// Looking makes a container, which has to be removed.
Task<>
look_at_base(engine::Client client, std::filesystem::path base, std::shared_ptr<FileSight> seen)
{
    CO_TRY(const engine::EngineInfo info, co_await engine::System(client.transport()).info());
    std::vector<std::filesystem::path> directories(1, base);
    CO_TRY(
        const std::vector<DirectorySight> sights,
        co_await look_at_files(client, std::move(directories))
    );
    *seen = seen_from_inside(sights.front().sight, info);
    co_return ok();
}

std::string road_key(const engine::Client& client)
{
    return key(client.endpoint()) + "-road";
}

} // namespace

FileSight seen_from_inside(FileSight sight, const engine::EngineInfo& info)
{
    return engine::remaps_users(info) ? FileSight::not_seen : sight;
}

void remember_road(const engine::Client& client, const std::filesystem::path& base, FileSight sight)
{
    if (sight == FileSight::unknown) return;
    remember(base, road_key(client), std::string(name(road_where(client, sight))));
}

void forget_road(const engine::Client& client, const std::filesystem::path& base)
{
    forget(base, road_key(client));
}

Road road_where(const engine::Client& client, FileSight sight)
{
    if (is_local(client) && sight == FileSight::seen) return Road::socket;
    return client.traits().stdin_ends_with_client ? Road::bridge : Road::attach;
}

Task<Road> best_road(engine::Client client, std::filesystem::path base)
{
    const std::string known = recall(base, road_key(client));
    for (const Road road : {Road::socket, Road::attach, Road::bridge}) {
        if (known == name(road)) co_return road;
    }
    const auto sight = std::make_shared<FileSight>(FileSight::not_seen);
    if (is_local(client)) {
        const auto executor = co_await boost::asio::this_coro::executor;
        engine::Child looking(executor, look_at_base(client, base, sight));
        const Settled looked = co_await settle(looking);
        if (looked.interrupted) co_return fail(Errc::cancelled, "interrupted");
        CO_CHECK(looked.result);
    }
    remember_road(client, base, *sight);
    co_return road_where(client, *sight);
}

Task<std::unique_ptr<engine::DuplexStream>>
open_road(engine::Client client, Road road, std::string container, std::filesystem::path socket)
{
    struct stat status {};
    switch (road) {
    case Road::socket:
        // A job may have put something else there.
        if (::lstat(socket.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) {
            co_return fail(Errc::unreachable, "there is no socket of the agent's");
        }
        co_return co_await connect_agent(std::move(socket), connect_deadline);
    case Road::bridge:
        co_return co_await bridge(std::move(client), std::move(container));
    case Road::exec: // there is no agent
        co_return fail(Errc::internal, "no road to an agent");
    case Road::attach:
        break;
    }
    engine::AttachOptions options;
    options.in = true;
    options.err = false;
    CO_TRY(auto stream, co_await engine::Containers(client.transport()).attach(container, options));
    co_return without_frames(std::move(stream));
}

} // namespace slipway::core::pool
