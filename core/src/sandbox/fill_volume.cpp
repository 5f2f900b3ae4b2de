#include "archive/posix.hpp"
#include "sandbox/owner.hpp"
#include "sandbox/pool/directory.hpp"
#include "sandbox/pool/key.hpp"
#include "workspace/synced.hpp"

#include <slipway/core/fill_volume.hpp>
#include <slipway/core/labels.hpp>
#include <slipway/engine/images.hpp>
#include <slipway/engine/pause.hpp>

#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

namespace slipway::core {

namespace asio = boost::asio;

namespace {

// The sandbox of a command without options, so that the next one finds it.
SandboxSpec spec_to_fill(const std::string& image, const std::filesystem::path& root, Owner owner)
{
    KeptDirectory kept = kept_for(workspace_purpose, root);
    kept.path = root;
    kept.per_image = true;
    kept.labels.emplace(image_label, image);
    SandboxSpec spec;
    spec.image = image;
    spec.user = std::to_string(owner.uid) + ":" + std::to_string(owner.gid);
    spec.network.clear();
    if (root != "/tmp") spec.scratch.emplace_back("/tmp");
    spec.kept.push_back(std::move(kept));
    return spec;
}

struct ToFill {
    engine::Client client;
    std::string image;
    Workspace workspace;
    PoolOptions options;
    Owner owner;
    std::function<bool()> on_wait;
};

// No other command of this machine begins with it meanwhile.
Task<posix::Fd> take_volume(std::shared_ptr<const ToFill> order)
{
    CO_TRY(const auto base, pool::base_directory(order->options.directory));
    const std::string key = pool::key(order->client.endpoint()) + "-workspace-"
                            + pool::digits_of(order->workspace.root.native())
                            + pool::digits_of(order->image);
    for (bool told = false;; told = true) {
        auto lock = pool::try_lock(base, key);
        if (lock) co_return *std::move(lock);
        if (!told) order->on_wait();
        CO_CHECK(co_await engine::pause(std::chrono::milliseconds(20)));
    }
}

// What nobody has here of the caches that commands have made is brought by those commands.
Task<> synchronise(std::shared_ptr<const ToFill> order, std::shared_ptr<Lease> lease)
{
    const auto executor = co_await asio::this_coro::executor;
    const auto sending = std::make_shared<bool>(true);
    Workspace workspace = order->workspace;
    workspace.bring_back = [sending](std::string_view, EntryType) { return *sending; };
    const auto synced = SyncedWorkspace::begin(executor, std::move(workspace), order->owner);
    CO_CHECK(co_await synced->send(lease, order->on_wait));
    *sending = false;
    CO_TRY(const Fetched fetched, co_await synced->fetch()); // notes what is there now
    static_cast<void>(fetched);
    co_return ok();
}

Task<> fill_in(std::shared_ptr<const ToFill> order, std::shared_ptr<Lease> lease)
{
    if (lease->road() == Road::exec) {
        Error error(
            Errc::unsupported,
            "no volume is kept for " + order->workspace.root.string() + " in " + order->image
                + ": slipway's agent cannot run there"
        );
        error.hint = "commands work without, and send all files each time; `slipway doctor` tells "
                     "why it cannot";
        co_return fail(std::move(error));
    }
    co_return co_await synchronise(order, std::move(lease));
}

} // namespace

Task<std::string> fill_volume(
    engine::Client client,
    std::string image,
    Workspace workspace,
    PoolOptions options,
    std::function<void()> on_wait
)
{
    if (!options.agent) {
        Error error(Errc::unsupported, "without slipway's agent no volume is kept");
        error.hint = "leave SLIPWAY_AGENT=0 out";
        co_return fail(std::move(error));
    }
    const auto order = std::make_shared<ToFill>(ToFill{
        std::move(client), std::move(image), std::move(workspace), std::move(options), {}, {}});
    CO_TRY(order->owner, co_await owner_for(order->client));
    order->on_wait = [tell = std::move(on_wait)] {
        if (tell) tell();
        return true;
    };
    CO_TRY(
        const engine::ImageInfo info,
        co_await engine::Images(order->client.transport()).inspect(order->image)
    );
    CO_TRY(const posix::Fd lock, co_await take_volume(order));
    const SandboxSpec spec = spec_to_fill(order->image, order->workspace.root, order->owner);
    const std::string name = pool::volume_of(spec.kept.front(), info.id);
    CO_TRY(
        const std::shared_ptr<Lease> lease, co_await acquire(order->client, spec, order->options)
    );
    const auto filled = co_await fill_in(order, lease);
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    const auto released = co_await lease->release();
    if (!released) {
        co_await lease->discard();
    }
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    if (!filled) co_return fail(filled.error());
    co_return name;
}

} // namespace slipway::core
