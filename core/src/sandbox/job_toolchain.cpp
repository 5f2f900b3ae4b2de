#include "sandbox/job_toolchain.hpp"

#include "path_inside.hpp"
#include "sandbox/pool/directory.hpp"
#include "sandbox/pooled_spec.hpp"
#include "toolchain/volume.hpp"

#include <slipway/engine/images.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace slipway::core {

namespace {

constexpr std::string_view path_variable = "PATH=";
constexpr std::string_view usual_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string path_in(const std::vector<std::string>& env)
{
    std::string path;
    for (const std::string& variable : env) {
        if (variable.starts_with(path_variable)) path = variable.substr(path_variable.size());
    }
    return path;
}

// The job's own, else the image's.
void put_first(const std::string& directory, Job& job, const engine::ImageConfig& image)
{
    std::string path = path_in(job.env);
    if (path.empty()) path = path_in(image.env);
    if (path.empty()) path = usual_path;
    std::erase_if(job.env, [](const std::string& one) { return one.starts_with(path_variable); });
    job.env.push_back(std::string(path_variable) + directory + ":" + path);
}

Result<bool> is_in_workspace(const HostToolchain& toolchain, const Workspace& workspace)
{
    for (const Workspace& part : parts_of(workspace)) {
        if (is_in(toolchain.sysroot, part.root)) return true;
        if (!is_in(part.root, toolchain.sysroot)) continue;
        Error error(
            Errc::invalid_argument,
            part.root.string() + " is in the directory of the toolchain " + toolchain.name
        );
        error.hint = "choose another toolchain, or move one of them";
        return fail(std::move(error));
    }
    return false;
}

} // namespace

Task<> prepare_toolchain(std::shared_ptr<PooledOrder> order)
{
    Job& job = order->job;
    if (!job.toolchain) co_return ok();
    CO_TRY(
        const engine::ImageInfo image,
        co_await engine::Images(order->client.transport()).inspect(job.image)
    );
    CO_CHECK(check_toolchain_runs(*job.toolchain, image.os, image.architecture));
    order->image_id = image.id;
    put_first((job.toolchain->sysroot / "bin").string(), job, image.config);
    if (!job.workspace) co_return ok();
    CO_TRY(const bool is_there, is_in_workspace(*job.toolchain, *job.workspace));
    if (is_there) job.toolchain.reset();
    co_return ok();
}

Task<SandboxSpec> with_toolchain(std::shared_ptr<const PooledOrder> order, SandboxSpec spec)
{
    if (!order->job.toolchain) co_return spec;
    CO_TRY(const auto base, pool::base_directory(order->options.directory));
    ToolchainCopy copy{order->client, *order->job.toolchain, order->image_id, base, order->owner};
    engine::Mount mount;
    mount.type = "volume";
    mount.target = order->job.toolchain->sysroot.string();
    mount.read_only = true;
    mount.volume.emplace().no_copy = true;
    mount.volume->labels = labels_of_copy(*order->job.toolchain); // should it have gone meanwhile
    CO_TRY(mount.source, co_await toolchain_volume(std::move(copy)));
    spec.mounts.push_back(std::move(mount));
    co_return spec;
}

} // namespace slipway::core
