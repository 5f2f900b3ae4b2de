#include "archive/posix.hpp"
#include "interrupted.hpp"
#include "sandbox/fetch_step.hpp"
#include "sandbox/job_toolchain.hpp"
#include "sandbox/owner.hpp"
#include "sandbox/pool/directory.hpp"
#include "sandbox/pool/key.hpp"
#include "sandbox/pooled_order.hpp"
#include "sandbox/pooled_spec.hpp"
#include "sandbox/run_bound.hpp"
#include "workspace/synced.hpp"

#include <slipway/core/container_files.hpp>
#include <slipway/core/labels.hpp>
#include <slipway/core/lease.hpp>
#include <slipway/engine/pause.hpp>

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <vector>

namespace slipway::core {

namespace asio = boost::asio;

namespace {

constexpr std::string_view none_back = "none of its files were brought back";

// What an interrupt, or a sandbox that is lost, leaves of the workspace.
Result<JobResult> telling(Result<JobResult> result, const Job& job, std::string_view files_back)
{
    if (result || !job.workspace) return result;
    Error& error = result.error();
    if (error.code == Errc::cancelled) {
        error.message = files_back;
    } else if (error.hint.empty() && (error.code == Errc::io || error.code == Errc::truncated)) {
        error.hint = "the command was ended, and " + std::string(files_back);
    }
    return result;
}

using SyncedParts = std::vector<std::unique_ptr<SyncedWorkspace>>;

// A workspace in the sandbox, part by part: kept there where the agent can, else sent and brought
// back as a whole.
class Files {
public:
    Files(std::shared_ptr<Lease> lease, const Workspace& workspace, Owner owner)
        : lease_(std::move(lease)),
          root_(workspace.root),
          parts_(parts_of(workspace)),
          owner_(owner)
    {
    }

    Task<> send(SyncedParts synced, std::function<bool()> on_wait)
    {
        if (lease_->road() != Road::exec) synced_ = std::move(synced);
        for (const auto& part : synced_) {
            CO_CHECK(co_await part->send(lease_, on_wait));
        }
        if (!synced_.empty()) co_return ok();
        files_ = leased_files(lease_);
        for (const Workspace& part : parts_) {
            CO_TRY(auto sent, co_await send_workspace(files_, part, owner_));
            sent_.push_back(std::move(sent));
        }
        co_return ok();
    }

    Task<Fetched> fetch()
    {
        Fetched all;
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            if (parts_[i].read_only) continue; // the next command has it as it is here
            Result<Fetched> fetched = fail(Errc::internal, "");
            if (synced_.empty()) {
                fetched = co_await fetch_workspace(files_, parts_[i], sent_[i]);
            } else {
                fetched = co_await synced_[i]->fetch();
            }
            if (!fetched) co_return fetched;
            add(all, *std::move(fetched), parts_[i].root);
        }
        co_return all;
    }

private:
    void add(Fetched& all, Fetched part, const std::filesystem::path& directory) const
    {
        const auto shown = [&](std::string path) {
            return directory == root_ ? path
                                      : (directory / path).lexically_relative(root_).string();
        };
        std::ranges::transform(part.written, std::back_inserter(all.written), shown);
        std::ranges::transform(part.removed, std::back_inserter(all.removed), shown);
        for (KeptEntry& kept : part.kept) {
            kept.path = shown(std::move(kept.path));
            all.kept.push_back(std::move(kept));
        }
        all.bytes += part.bytes;
    }

    std::shared_ptr<Lease> lease_;
    std::filesystem::path root_;
    std::vector<Workspace> parts_;
    Owner owner_;
    SyncedParts synced_; // as many as parts, or none
    std::shared_ptr<ContainerFiles> files_;
    std::vector<std::shared_ptr<const SentWorkspace>> sent_;
};

Task<JobResult> work_in(
    std::shared_ptr<Lease> lease,
    SyncedParts synced,
    Job job,
    LeasedJob leased,
    JobStreams streams,
    Owner owner,
    std::function<bool()> on_wait
)
{
    Files files(lease, *job.workspace, owner);
    const auto sent = co_await files.send(std::move(synced), std::move(on_wait));
    if (!sent) co_return telling(fail(sent.error()), job, none_back);
    Result<JobResult> result = fail(Errc::cancelled, "interrupted");
    if (!co_await is_interrupted()) {
        result = co_await run_after_fetch(lease, job.fetch, std::move(leased), streams);
    }
    if (!result) co_return telling(std::move(result), job, none_back);
    auto fetched = co_await files.fetch();
    if (!fetched) {
        co_return telling(
            fail(std::move(fetched).error()), job, "only some files were brought back"
        );
    }
    result->fetched = *std::move(fetched);
    co_return result;
}

Task<JobResult> run_leased(std::shared_ptr<const PooledOrder> order, Keeping keeping)
{
    const Job& job = order->job;
    CO_TRY(SandboxSpec spec, spec_of(job, order->owner, keeping));
    // Before the workspace is looked at: it may take minutes.
    auto with_all = co_await with_toolchain(order, std::move(spec));
    if (!with_all) co_return telling(fail(std::move(with_all).error()), job, none_back);
    SyncedParts synced;
    if (job.workspace && keeping == Keeping::kept && order->options.agent) {
        const auto executor = co_await asio::this_coro::executor;
        for (Workspace& part : parts_of(*job.workspace)) {
            synced.push_back(SyncedWorkspace::begin(executor, std::move(part), order->owner));
        }
    }
    const auto& mounts = with_all->mounts;
    const std::string toolchain = mounts.empty() ? std::string() : mounts.front().source;
    auto acquired = co_await acquire(order->client, *std::move(with_all), order->options);
    if (!acquired && acquired.error().code == Errc::cancelled) {
        co_return fail(Errc::cancelled, std::string(none_back));
    }
    CO_TRY(const std::shared_ptr<Lease> lease, std::move(acquired));
    if (order->on_sandbox) {
        order->on_sandbox(
            {lease->container(), lease->road(), lease->warm(), false, *order->why_copied, toolchain}
        );
    }
    LeasedJob leased = leased_job(job, order->client.endpoint());
    Result<JobResult> result = fail(Errc::internal, "");
    if (job.workspace) {
        result = co_await work_in(
            lease,
            std::move(synced),
            job,
            std::move(leased),
            order->streams,
            order->owner,
            order->on_wait
        );
    } else {
        result = co_await run_after_fetch(lease, job.fetch, std::move(leased), order->streams);
    }
    co_await give_back(lease);
    co_return result;
}

} // namespace

Task<std::optional<posix::Fd>> take_workspace(std::shared_ptr<const PooledOrder> order)
{
    CO_TRY(const auto base, pool::base_directory(order->options.directory));
    const Job& job = order->job;
    const std::string key = pool::key(order->client.endpoint()) + "-workspace-"
                            + pool::digits_of(job.workspace->root.native())
                            + pool::digits_of(job.image);
    for (bool told = false;; told = true) {
        auto lock = pool::try_lock(base, key);
        if (lock) co_return lock;
        if (!told && !order->on_wait()) co_return std::nullopt;
        CO_CHECK(co_await engine::pause(std::chrono::milliseconds(20)));
    }
}

Task<> give_back(std::shared_ptr<Lease> lease)
{
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    // What is known is worth more than whether the sandbox can be used again.
    const auto released = co_await lease->release();
    if (!released) {
        co_await lease->discard();
    }
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    co_return ok();
}

Task<JobResult> run_pooled(
    engine::Client client,
    Job job,
    JobStreams streams,
    PoolOptions options,
    std::function<void(const SandboxUse&)> on_sandbox,
    std::function<void()> on_wait
)
{
    auto known = co_await owner_for(client);
    if (!known && known.error().code == Errc::cancelled) {
        co_return fail(Errc::cancelled, std::string(none_back));
    }
    const auto order = std::make_shared<PooledOrder>(PooledOrder{
        std::move(client),
        std::move(job),
        std::move(streams),
        std::move(options),
        {},
        std::move(on_sandbox),
        {}});
    CO_TRY(order->owner, std::move(known));
    const bool waits = order->job.workspace && order->job.workspace->wait;
    const auto busy = std::make_shared<bool>(false);
    order->on_wait = [waits, busy, tell = std::move(on_wait)] {
        *busy = !waits;
        if (waits && tell) tell();
        return waits;
    };
    CO_CHECK(co_await prepare_toolchain(order));
    CO_TRY(auto in_place, co_await run_bound(order));
    if (in_place) co_return *std::move(in_place);
    std::optional<posix::Fd> lock;
    if (order->job.workspace && order->options.agent) {
        auto taken = co_await take_workspace(order);
        if (!taken) co_return telling(fail(std::move(taken).error()), order->job, none_back);
        lock = *std::move(taken);
    }
    if (!*busy) {
        auto result = co_await run_leased(order, Keeping::kept);
        if (!*busy || co_await is_interrupted()) co_return result;
    }
    co_return co_await run_leased(order, Keeping::sent);
}

} // namespace slipway::core
