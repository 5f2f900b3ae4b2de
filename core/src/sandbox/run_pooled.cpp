#include "archive/posix.hpp"
#include "interrupted.hpp"
#include "sandbox/owner.hpp"
#include "sandbox/pool/directory.hpp"
#include "sandbox/pool/key.hpp"
#include "workspace/synced.hpp"

#include <slipway/core/container_files.hpp>
#include <slipway/core/labels.hpp>
#include <slipway/core/lease.hpp>
#include <slipway/engine/pause.hpp>

#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <optional>

namespace slipway::core {

namespace asio = boost::asio;

namespace {

// Its volume has the files of one user, for one image: what was built with another one is of no
// use.
KeptDirectory kept_workspace(const Job& job)
{
    KeptDirectory kept = kept_for(workspace_purpose, job.workspace->root);
    kept.path = job.workspace->root;
    kept.per_image = true;
    kept.labels.emplace(image_label, job.image);
    return kept;
}

// Whether the workspace's files stay in the engine.
enum class Keeping { yes, no };

SandboxSpec spec_of(const Job& job, Owner owner, Keeping keeping)
{
    SandboxSpec spec;
    spec.image = job.image;
    spec.platform = job.platform;
    spec.user = std::to_string(owner.uid) + ":" + std::to_string(owner.gid);
    spec.network = job.network;
    spec.limits.memory_bytes = job.memory_bytes;
    spec.limits.cpus = job.cpus;
    const bool has_tmp = job.workspace && job.workspace->root == "/tmp";
    if (!has_tmp || keeping == Keeping::no) spec.scratch.emplace_back("/tmp");
    if (job.workspace && keeping == Keeping::yes) {
        spec.kept.push_back(kept_workspace(job));
    } else if (job.workspace && !has_tmp) {
        spec.scratch.push_back(job.workspace->root.string());
    }
    for (const KeptDirectory& kept : job.kept) {
        spec.kept.push_back(kept);
    }
    return spec;
}

LeasedJob leased_job(const Job& job, const engine::Endpoint& endpoint)
{
    LeasedJob leased;
    leased.argv = job.argv;
    leased.env = job.env;
    engine::add_proxies(leased.env, engine::proxy_variables(job.proxies, endpoint));
    leased.cwd = job.cwd;
    leased.terminal = job.terminal;
    return leased;
}

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

// A workspace in the sandbox: kept there where the agent can, else sent and brought back as a
// whole.
class Files {
public:
    Files(std::shared_ptr<Lease> lease, Workspace workspace, Owner owner)
        : lease_(std::move(lease)), workspace_(std::move(workspace)), owner_(owner)
    {
    }

    Task<> send(std::unique_ptr<SyncedWorkspace> synced, std::function<bool()> on_wait)
    {
        if (synced && lease_->road() != Road::exec) {
            synced_ = std::move(synced);
            co_return co_await synced_->send(lease_, std::move(on_wait));
        }
        files_ = leased_files(lease_);
        CO_TRY(sent_, co_await send_workspace(files_, workspace_, owner_));
        co_return ok();
    }
    Task<Fetched> fetch()
    {
        if (synced_) return synced_->fetch();
        return fetch_workspace(files_, workspace_, sent_);
    }

private:
    std::shared_ptr<Lease> lease_;
    Workspace workspace_;
    Owner owner_;
    std::unique_ptr<SyncedWorkspace> synced_;
    std::shared_ptr<ContainerFiles> files_;
    std::shared_ptr<const SentWorkspace> sent_;
};

Task<JobResult> work_in(
    std::shared_ptr<Lease> lease,
    std::unique_ptr<SyncedWorkspace> synced,
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
    if (!co_await is_interrupted()) result = co_await lease->run(std::move(leased), streams);
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

// What is asked for, and what is known of it.
struct Order {
    engine::Client client;
    Job job;
    JobStreams streams;
    PoolOptions options;
    Owner owner;
    std::function<void(const SandboxUse&)> on_sandbox;
    std::function<bool()> on_wait;
};

// Looks for another command of this machine that has the workspace's volume before a sandbox is
// made for nothing; others are met in the volume. Nothing when it is not waited for.
Task<std::optional<posix::Fd>> take_workspace(std::shared_ptr<const Order> order)
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

Task<JobResult> run_leased(std::shared_ptr<const Order> order, Keeping keeping)
{
    const Job& job = order->job;
    SandboxSpec spec = spec_of(job, order->owner, keeping);
    std::unique_ptr<SyncedWorkspace> synced;
    if (job.workspace && keeping == Keeping::yes && order->options.agent) {
        const auto executor = co_await asio::this_coro::executor;
        synced = SyncedWorkspace::begin(executor, *job.workspace, order->owner);
    }
    auto acquired = co_await acquire(order->client, std::move(spec), order->options);
    if (!acquired && acquired.error().code == Errc::cancelled) {
        co_return fail(Errc::cancelled, std::string(none_back));
    }
    CO_TRY(const std::shared_ptr<Lease> lease, std::move(acquired));
    if (order->on_sandbox) {
        order->on_sandbox({lease->container(), lease->road(), lease->warm()});
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
        result = co_await lease->run(std::move(leased), order->streams);
    }
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    // What is known is worth more than whether the sandbox can be used again.
    const auto released = co_await lease->release();
    if (!released) {
        co_await lease->discard();
    }
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    co_return result;
}

} // namespace

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
    const auto order = std::make_shared<Order>(Order{
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
    std::optional<posix::Fd> lock;
    if (order->job.workspace && order->options.agent) {
        auto taken = co_await take_workspace(order);
        if (!taken) co_return telling(fail(std::move(taken).error()), order->job, none_back);
        lock = *std::move(taken);
    }
    if (!*busy) {
        auto result = co_await run_leased(order, Keeping::yes);
        if (!*busy || co_await is_interrupted()) co_return result;
    }
    co_return co_await run_leased(order, Keeping::no);
}

} // namespace slipway::core
