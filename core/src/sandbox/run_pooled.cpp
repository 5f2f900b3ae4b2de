#include "interrupted.hpp"
#include "sandbox/owner.hpp"

#include <slipway/core/container_files.hpp>
#include <slipway/core/lease.hpp>
#include <slipway/engine/child.hpp>

#include <boost/asio/this_coro.hpp>

namespace slipway::core {

namespace asio = boost::asio;

namespace {

SandboxSpec spec_of(const Job& job, Owner owner)
{
    SandboxSpec spec;
    spec.image = job.image;
    spec.platform = job.platform;
    spec.user = std::to_string(owner.uid) + ":" + std::to_string(owner.gid);
    spec.network = job.network;
    spec.limits.memory_bytes = job.memory_bytes;
    spec.limits.cpus = job.cpus;
    spec.scratch.emplace_back("/tmp");
    if (job.workspace && job.workspace->root != spec.scratch.front()) {
        spec.scratch.push_back(job.workspace->root.string());
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

Task<JobResult>
work(std::shared_ptr<Lease> lease, Job job, LeasedJob leased, JobStreams streams, Owner owner)
{
    std::shared_ptr<ContainerFiles> files;
    std::shared_ptr<const SentWorkspace> sent;
    if (job.workspace) {
        files = leased_files(lease);
        auto sending = co_await send_workspace(files, *job.workspace, owner);
        if (!sending) {
            co_return telling(fail(std::move(sending).error()), job, none_back);
        }
        sent = *std::move(sending);
    }
    Result<JobResult> result = fail(Errc::cancelled, "interrupted");
    if (!co_await is_interrupted()) result = co_await lease->run(std::move(leased), streams);
    if (!result || !job.workspace) {
        co_return telling(std::move(result), job, none_back);
    }
    auto fetched = co_await fetch_workspace(files, *job.workspace, sent);
    if (!fetched) {
        co_return telling(
            fail(std::move(fetched).error()), job, "only some files were brought back"
        );
    }
    result->fetched = *std::move(fetched);
    co_return result;
}

} // namespace

Task<JobResult> run_pooled(
    engine::Client client,
    Job job,
    JobStreams streams,
    PoolOptions options,
    std::function<void(const SandboxUse&)> on_sandbox
)
{
    auto known = co_await owner_for(client);
    if (!known && known.error().code == Errc::cancelled) {
        co_return fail(Errc::cancelled, std::string(none_back));
    }
    CO_TRY(const Owner owner, std::move(known));
    SandboxSpec spec = spec_of(job, owner);
    LeasedJob leased = leased_job(job, client.endpoint());
    auto acquired = co_await acquire(client, std::move(spec), std::move(options));
    if (!acquired && acquired.error().code == Errc::cancelled) {
        co_return fail(Errc::cancelled, std::string(none_back));
    }
    CO_TRY(const std::shared_ptr<Lease> lease, std::move(acquired));
    if (on_sandbox) on_sandbox({lease->container(), lease->road(), lease->warm()});
    auto result = co_await work(lease, std::move(job), std::move(leased), streams, owner);
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    // What is known is worth more than whether the sandbox can be used again.
    const auto released = co_await lease->release();
    if (!released) {
        co_await lease->discard();
    }
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    co_return result;
}

} // namespace slipway::core
