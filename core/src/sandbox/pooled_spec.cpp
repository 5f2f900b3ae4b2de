#include "sandbox/pooled_spec.hpp"

#include <slipway/core/labels.hpp>

#include <algorithm>

namespace slipway::core {

namespace {

// Its volume has the files of one user, for one image: what was built with another one is of no
// use.
KeptDirectory kept_workspace(const Job& job, const std::filesystem::path& root)
{
    KeptDirectory kept = kept_for(workspace_purpose, root);
    kept.path = root;
    kept.per_image = true;
    kept.labels.emplace(image_label, job.image);
    return kept;
}

} // namespace

std::vector<Workspace> parts_of(const Workspace& workspace)
{
    std::vector<Workspace> parts{workspace};
    parts.front().also.clear();
    for (const BesideWorkspace& beside : workspace.also) {
        Workspace part;
        part.root = beside.path;
        part.read_only = beside.read_only;
        part.files = workspace.files;
        part.wait = workspace.wait;
        part.notes = workspace.notes;
        parts.push_back(std::move(part));
    }
    std::ranges::sort(parts, {}, &Workspace::root);
    return parts;
}

Result<SandboxSpec> spec_of(const Job& job, Owner owner, Keeping keeping)
{
    SandboxSpec spec;
    spec.image = job.image;
    spec.platform = job.platform;
    spec.user = std::to_string(owner.uid) + ":" + std::to_string(owner.gid);
    spec.network = job.network;
    spec.limits.memory_bytes = job.memory_bytes;
    spec.limits.cpus = job.cpus;
    const auto parts = job.workspace ? parts_of(*job.workspace) : std::vector<Workspace>();
    const bool has_tmp =
        std::ranges::any_of(parts, [](const Workspace& part) { return part.root == "/tmp"; });
    if (!has_tmp || keeping == Keeping::sent) spec.scratch.emplace_back("/tmp");
    if (job.toolchain && keeping == Keeping::bound) {
        TRY(BoundDirectory sysroot, bound_directory(job.toolchain->sysroot));
        sysroot.read_only = true;
        spec.bound.push_back(std::move(sysroot));
    }
    for (const Workspace& part : parts) {
        switch (keeping) {
        case Keeping::bound: {
            TRY(BoundDirectory root, bound_directory(part.root));
            root.read_only = part.read_only;
            spec.bound.push_back(std::move(root));
            break;
        }
        case Keeping::kept:
            spec.kept.push_back(kept_workspace(job, part.root));
            break;
        case Keeping::sent:
            if (part.root != "/tmp") spec.scratch.push_back(part.root.string());
            break;
        }
    }
    spec.kept.insert(spec.kept.end(), job.kept.begin(), job.kept.end());
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

} // namespace slipway::core
