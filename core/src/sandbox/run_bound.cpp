#include "sandbox/run_bound.hpp"

#include "interrupted.hpp"
#include "sandbox/pool/directory.hpp"
#include "sandbox/pool/key.hpp"
#include "sandbox/pool/no_agent.hpp"
#include "sandbox/pooled_spec.hpp"
#include "sync/tree_state.hpp"
#include "workspace/advice.hpp"
#include "workspace/build_place.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <string>

namespace slipway::core {

namespace {

// Why a job has a copy of its workspace; empty where the engine is asked.
Result<std::string> why_copied(const PooledOrder& order)
{
    const Workspace& workspace = *order.job.workspace;
    if (!order.options.agent) return "without slipway's agent no directory is bound";
    if (order.client.endpoint().scheme != engine::Endpoint::Scheme::unix_socket) {
        return "the engine is reached over a network";
    }
    if (workspace.build && workspace.build->variable.empty()) {
        return "where to build was chosen for all images: " + workspace.build->path.string();
    }
    TRY(const auto base, pool::base_directory(order.options.directory));
    for (const Workspace& part : parts_of(workspace)) {
        const std::string root = part.root.string();
        if (root == "/tmp") return "/tmp is the sandbox's own";
        if (base == part.root || sync::is_within(base.native(), root)) {
            return root + " has slipway's own sockets below it: " + base.string();
        }
        if (workspace.files == FilesBy::bind) continue;
        TRY(const BoundDirectory directory, bound_directory(part.root));
        if (!directory.ours) return root + " belongs to somebody else, or is read-only";
    }
    return std::string();
}

void set(std::vector<std::string>& env, const std::string& name, const std::string& value)
{
    std::erase_if(env, [&](const std::string& one) { return one.starts_with(name + "="); });
    env.push_back(name + "=" + value);
}

Result<JobResult> telling(Result<JobResult> result)
{
    if (result) return result;
    Error& error = result.error();
    constexpr std::string_view as_it_left_them = "its files are as the command left them";
    if (error.code == Errc::cancelled) {
        error.message = as_it_left_them;
    } else if (error.hint.empty() && (error.code == Errc::io || error.code == Errc::truncated)) {
        error.hint = "the command was ended, and " + std::string(as_it_left_them);
    }
    return result;
}

Task<JobResult> run_in_place(std::shared_ptr<const PooledOrder> order, std::shared_ptr<Lease> lease)
{
    const Workspace& workspace = *order->job.workspace;
    LeasedJob leased = leased_job(order->job, order->client.endpoint());
    std::optional<BuildPlace> place;
    if (workspace.build) {
        auto prepared =
            BuildPlace::prepare(workspace.root, *workspace.build, pool::digits_of(lease->image()));
        CO_TRY(place, advised(std::move(prepared), "preparing the build", to_write_advice));
        set(leased.env, workspace.build->variable, place->inside());
    }
    auto result = co_await lease->run(std::move(leased), order->streams);
    if (!result || !place) co_return telling(std::move(result));
    const bool cleaned = workspace.build->cleans && result->exit_code == 0;
    auto lifted = cleaned ? place->clear() : place->uplift();
    const std::string doing =
        (cleaned ? "cleaning " : "putting results into ") + workspace.build->path.string();
    CO_TRY(Uplifted uplifted, advised(std::move(lifted), doing, to_write_advice));
    const std::string below = workspace.build->path.lexically_relative(workspace.root).string();
    const auto shown = [&](std::string& path) { path = below + "/" + path; };
    std::ranges::for_each(uplifted.written, shown);
    std::ranges::for_each(uplifted.removed, shown);
    Fetched& fetched = result->fetched.emplace();
    fetched.written = std::move(uplifted.written);
    fetched.removed = std::move(uplifted.removed);
    co_return result;
}

} // namespace

Task<std::optional<JobResult>> run_bound(std::shared_ptr<const PooledOrder> order)
{
    const std::optional<JobResult> by_copy;
    const Job& job = order->job;
    if (!job.workspace || job.workspace->files == FilesBy::sync) co_return by_copy;
    const bool must = job.workspace->files == FilesBy::bind;
    const std::string doing = "binding " + job.workspace->root.string();
    const std::string hint = "leave --files bind out: then they are sent";
    CO_TRY(const std::string why, why_copied(*order));
    if (!why.empty()) {
        if (!must) co_return by_copy;
        Error error(Errc::unsupported, why);
        error.hint = hint;
        co_return during(Result<std::optional<JobResult>>(fail(std::move(error))), doing);
    }
    CO_TRY(const SandboxSpec spec, spec_of(job, order->owner, Keeping::bound));
    CO_TRY(const auto base, pool::base_directory(order->options.directory));
    const bool known = !pool::why_not_bound(order->client, base, spec).empty();
    if (known && !must && !order->options.agent_anew) co_return by_copy;
    auto acquired = co_await acquire(order->client, spec, order->options);
    if (!acquired) {
        Error& error = acquired.error();
        if (error.code == Errc::cancelled) {
            error.message = "the command was not started";
        } else if (!must && error.code == Errc::unsupported) {
            pool::remember_not_bound(order->client, base, spec, describe(error));
            co_return by_copy;
        } else if (error.hint.empty() && error.code == Errc::unsupported) {
            error.hint = hint;
        }
        co_return fail(std::move(acquired).error());
    }
    const std::shared_ptr<Lease> lease = *std::move(acquired);
    if (order->on_sandbox) {
        order->on_sandbox({lease->container(), lease->road(), lease->warm(), true});
    }
    auto result = co_await run_in_place(order, lease);
    co_await give_back(lease);
    co_return result;
}

} // namespace slipway::core
