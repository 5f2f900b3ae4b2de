#include "sandbox/owner.hpp"
#include "sandbox/pool/key.hpp"
#include "sandbox/pooled_order.hpp"
#include "sandbox/pooled_spec.hpp"
#include "workspace/synced.hpp"

#include <slipway/core/fill_volume.hpp>
#include <slipway/engine/images.hpp>

#include <boost/asio/this_coro.hpp>

#include <memory>
#include <utility>

namespace slipway::core {

namespace {

// What nobody has here of the caches that commands have made is brought by those commands.
Task<> synchronise(std::shared_ptr<const PooledOrder> order, std::shared_ptr<Lease> lease)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto sending = std::make_shared<bool>(true);
    Workspace workspace = *order->job.workspace;
    workspace.bring_back = [sending](std::string_view, EntryType) { return *sending; };
    const auto synced = SyncedWorkspace::begin(executor, std::move(workspace), order->owner);
    CO_CHECK(co_await synced->send(lease, order->on_wait));
    *sending = false;
    CO_TRY(const Fetched fetched, co_await synced->fetch()); // notes what is there now
    static_cast<void>(fetched);
    co_return ok();
}

Task<> fill_in(std::shared_ptr<const PooledOrder> order, std::shared_ptr<Lease> lease)
{
    if (lease->road() == Road::exec) {
        Error error(
            Errc::unsupported,
            "no volume is kept for " + order->job.workspace->root.string() + " in "
                + order->job.image + ": slipway's agent cannot run there"
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
    const auto order = std::make_shared<PooledOrder>(PooledOrder{
        std::move(client), {}, {}, std::move(options), {}, {}, {}});
    order->job.image = std::move(image);
    order->job.workspace = std::move(workspace);
    CO_TRY(order->owner, co_await owner_for(order->client));
    order->on_wait = [tell = std::move(on_wait)] {
        if (tell) tell();
        return true;
    };
    CO_TRY(
        const engine::ImageInfo info,
        co_await engine::Images(order->client.transport()).inspect(order->job.image)
    );
    CO_TRY(const auto lock, co_await take_workspace(order));
    // That of a command without options, so that the next one finds it.
    CO_TRY(const SandboxSpec spec, spec_of(order->job, order->owner, Keeping::kept));
    const std::string name = pool::volume_of(spec.kept.front(), info.id);
    CO_TRY(
        const std::shared_ptr<Lease> lease, co_await acquire(order->client, spec, order->options)
    );
    const auto filled = co_await fill_in(order, lease);
    co_await give_back(lease);
    if (!filled) co_return fail(filled.error());
    co_return name;
}

} // namespace slipway::core
