#include "sandbox/run_bound.hpp"

#include "archive/posix.hpp"
#include "path_inside.hpp"
#include "sandbox/fetch_step.hpp"
#include "sandbox/pool/directory.hpp"
#include "sandbox/pool/key.hpp"
#include "sandbox/pool/no_agent.hpp"
#include "sandbox/pooled_spec.hpp"
#include "workspace/advice.hpp"
#include "workspace/build_place.hpp"

#include <slipway/engine/pause.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace slipway::core {

namespace {

std::filesystem::path real(const std::filesystem::path& path)
{
    std::error_code ignored;
    return std::filesystem::weakly_canonical(path, ignored);
}

// What is mounted below a directory here need not be mounted there. A path with odd bytes is
// written with escapes, which only makes it another one.
std::string mounted_below(const std::string& directory)
{
    std::ifstream mounts("/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line);) {
        std::istringstream words(line);
        std::string place;
        for (int word = 0; word < 5; ++word) {
            words >> place;
        }
        const auto below = path_inside(place, directory);
        if (below && *below != ".") return place;
    }
    return {};
}

// Why a job has a copy of its workspace; empty where the engine is asked.
Result<std::string> why_copied(const PooledOrder& order)
{
    const Workspace& workspace = *order.job.workspace;
    const engine::Endpoint& endpoint = order.client.endpoint();
    if (!order.options.agent) return "without slipway's agent no directory is bound";
    if (endpoint.scheme != engine::Endpoint::Scheme::unix_socket) {
        return "the engine is reached over a network";
    }
    if (workspace.build && workspace.build->variable.empty()) {
        return "where to build was chosen for all images: " + workspace.build->path.string();
    }
    TRY(const auto base, pool::base_directory(order.options.directory));
    auto parts = parts_of(workspace);
    if (order.job.toolchain) {
        parts.emplace_back().root = order.job.toolchain->sysroot;
        parts.back().read_only = true;
    }
    for (const Workspace& part : parts) {
        const std::string root = part.root.string();
        if (root == "/tmp") return "/tmp is the sandbox's own";
        if (is_in(real(base), part.root)) {
            return root + " has slipway's own sockets below it: " + base.string();
        }
        if (is_in(real(endpoint.socket_path), part.root)) {
            return root + " has the engine's socket below it: " + endpoint.socket_path;
        }
        if (const std::string place = mounted_below(root); !place.empty()) {
            return "something is mounted below " + root + ": " + place;
        }
        if (workspace.files == FilesBy::bind) continue;
        TRY(const BoundDirectory directory, bound_directory(part.root));
        if (!directory.ours && !(part.read_only && directory.readable)) {
            return root + " belongs to somebody else, or is read-only";
        }
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

// One process at a time has to do with the results of a build directory.
Task<posix::Fd> take_results(std::filesystem::path base, std::filesystem::path directory)
{
    const std::string key = "results-" + pool::digits_of(directory.native());
    for (;;) {
        auto lock = pool::try_lock(base, key);
        if (lock) co_return *std::move(lock);
        CO_CHECK(co_await engine::pause(std::chrono::milliseconds(5)));
    }
}

Task<JobResult> run_in_place(
    std::shared_ptr<const PooledOrder> order,
    std::shared_ptr<Lease> lease,
    std::shared_ptr<const BuildPlace> place
)
{
    const Workspace& workspace = *order->job.workspace;
    LeasedJob leased = leased_job(order->job, order->client.endpoint());
    const std::string image = pool::digits_of(lease->image());
    if (place) set(leased.env, workspace.build->variable, place->inside(image));
    auto result =
        co_await run_after_fetch(lease, order->job.fetch, std::move(leased), order->streams);
    if (!result || !place) co_return telling(std::move(result));
    CO_TRY(const auto base, pool::base_directory(order->options.directory));
    CO_TRY(const posix::Fd lock, co_await take_results(base, workspace.build->path));
    const bool cleaned = workspace.build->cleans && result->exit_code == 0;
    auto lifted = cleaned ? place->clear() : place->uplift(image);
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

using PlaceOfBuild = std::shared_ptr<const BuildPlace>;

Result<PlaceOfBuild> place_of_build(const Workspace& workspace)
{
    if (!workspace.build) return PlaceOfBuild();
    auto prepared = BuildPlace::prepare(workspace.root, *workspace.build);
    TRY(BuildPlace made, advised(std::move(prepared), "preparing the build", to_write_advice));
    return std::make_shared<const BuildPlace>(std::move(made));
}

// A sandbox that has the workspace.
Task<std::shared_ptr<Lease>> acquire_bound(std::shared_ptr<const PooledOrder> order)
{
    CO_TRY(const SandboxSpec spec, spec_of(order->job, order->owner, Keeping::bound));
    CO_TRY(const auto base, pool::base_directory(order->options.directory));
    const bool must = order->job.workspace->files == FilesBy::bind;
    if (!must && !order->options.agent_anew) {
        std::string known = pool::why_not_bound(order->client, base, spec);
        if (!known.empty()) co_return fail(Errc::unsupported, std::move(known));
    }
    auto acquired = co_await acquire(order->client, spec, order->options);
    if (!acquired && acquired.error().code == Errc::unsupported) {
        pool::remember_not_bound(order->client, base, spec, describe(acquired.error()));
    }
    CO_TRY(std::shared_ptr<Lease> lease, std::move(acquired));
    if (!lease->warm()) pool::forget_not_bound(order->client, base, spec);
    co_return lease;
}

// What is told where it has to be bound.
Error refusal(Error error, const Workspace& workspace)
{
    if (error.hint.empty()) error.hint = "leave --files bind out: then it is copied";
    error.context.push_back("binding " + workspace.root.string());
    return error;
}

} // namespace

Task<std::optional<JobResult>> run_bound(std::shared_ptr<const PooledOrder> order)
{
    const std::optional<JobResult> by_copy;
    const Job& job = order->job;
    if (!job.workspace || job.workspace->files == FilesBy::sync) co_return by_copy;
    const bool must = job.workspace->files == FilesBy::bind;
    CO_TRY(std::string why, why_copied(*order));
    Result<PlaceOfBuild> place;
    if (why.empty()) {
        place = place_of_build(*job.workspace);
        if (!place && place.error().code != Errc::unsupported) co_return fail(place.error());
        if (!place) why = describe(place.error());
    }
    if (!why.empty()) {
        if (must) {
            co_return fail(refusal(Error(Errc::unsupported, why), *job.workspace));
        }
        *order->why_copied = why;
        co_return by_copy;
    }
    auto acquired = co_await acquire_bound(order);
    if (!acquired) {
        Error& error = acquired.error();
        if (error.code == Errc::cancelled) error.message = "the command was not started";
        const bool final_one = error.code == Errc::cancelled || error.code == Errc::not_found
                               || error.code == Errc::conflict;
        if (final_one) co_return fail(std::move(error));
        if (must) co_return fail(refusal(std::move(error), *job.workspace));
        *order->why_copied = describe(error);
        co_return by_copy;
    }
    const std::shared_ptr<Lease> lease = *std::move(acquired);
    if (order->on_sandbox) {
        order->on_sandbox({lease->container(), lease->road(), lease->warm(), true, {}, {}});
    }
    auto result = co_await run_in_place(order, lease, *place);
    co_await give_back(lease);
    co_return result;
}

} // namespace slipway::core
