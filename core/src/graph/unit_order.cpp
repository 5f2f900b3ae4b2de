#include "graph/unit_order.hpp"

#include "archive/posix.hpp"

#include <slipway/core/labels.hpp>
#include <slipway/engine/proxies.hpp>

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::core::graph {

namespace {

// So that compilers write no time of their own into what they make: 1980, which zip knows too.
constexpr std::string_view fixed_time = "SOURCE_DATE_EPOCH=315532800";

// The files of a unit's sandbox. Errors: not_found, io.
Result<std::vector<SentPath>> files_to_send(Build& build, std::size_t place, const UnitKey& key)
{
    BuildState& state = *build.state;
    const PlannedUnit& planned = state.plan().units[place];
    std::vector<SentPath> sent;
    const std::array lists{&planned.files, &planned.discoverable->paths, &key.listed};
    for (const auto* const paths : lists) {
        CHECK_OK(state.files().look_at(*paths, false));
        for (const std::string& path : *paths) {
            TRY(const DigestedPath* const found, state.files().look(path));
            SentPath one{path, state.layout().root() / path};
            if (found->kind == DigestedPath::Kind::missing) continue;
            if (found->kind == DigestedPath::Kind::symlink) {
                one.type = EntryType::symlink;
                TRY(one.link_target, posix::read_link(AT_FDCWD, one.local.c_str(), path));
            }
            sent.push_back(std::move(one));
        }
    }
    for (const std::size_t dependency : planned.dependencies) {
        const BuiltUnit* const unit = state.built(dependency);
        if (unit == nullptr) return fail(Errc::internal, "a dependency is not built");
        const std::filesystem::path out = state.layout().outputs(unit->directory);
        for (const BuiltOutput& output : unit->outputs) {
            SentPath one{output.what.path, out / output.what.path};
            if (output.what.kind == StoredOutput::Kind::symlink) {
                one.type = EntryType::symlink;
                one.link_target = output.what.link_target;
            }
            if (output.what.kind == StoredOutput::Kind::directory) one.type = EntryType::directory;
            sent.push_back(std::move(one));
        }
    }
    std::ranges::stable_sort(sent, {}, &SentPath::path);
    const auto same_path = [](const SentPath& a, const SentPath& b) { return a.path == b.path; };
    sent.erase(std::unique(sent.begin(), sent.end(), same_path), sent.end());
    return sent;
}

SandboxSpec spec_of_unit(const Build& build, const PlannedUnit& planned)
{
    const Unit& unit = *planned.unit;
    SandboxSpec spec;
    spec.image = planned.toolchain->image;
    spec.platform = planned.toolchain->platform;
    spec.user = std::to_string(build.owner.uid) + ":" + std::to_string(build.owner.gid);
    if (unit.network != "none") spec.network.clear();
    spec.scratch = {"/tmp", std::string(work_directory)};
    spec.limits.memory_bytes = unit.memory_bytes;
    for (const UnitCache& cache : unit.caches) {
        KeptDirectory kept = kept_for(cache_purpose, build.state->layout().root());
        kept.name += "-" + cache.name;
        kept.path = cache.path;
        spec.kept.push_back(std::move(kept));
    }
    return spec;
}

std::vector<std::string> environment_of(const Build& build, const PlannedUnit& planned)
{
    const Unit& unit = *planned.unit;
    std::vector<std::string> env;
    for (const auto& [name, value] : unit.env) {
        env.push_back(name + "=" + value);
    }
    for (const std::string& name : unit.pass_env) {
        const auto value = build.order.environment.find(name);
        if (value != build.order.environment.end()) env.push_back(name + "=" + value->second);
    }
    const auto has = [&env](std::string_view name) {
        return std::ranges::any_of(env, [name](const std::string& one) {
            return one.starts_with(name);
        });
    };
    if (!has("HOME=")) env.emplace_back("HOME=/tmp");
    if (!has("SOURCE_DATE_EPOCH=")) env.emplace_back(fixed_time);
    if (unit.network != "none") {
        engine::add_proxies(
            env, engine::proxy_variables(build.order.proxies, build.client.endpoint())
        );
    }
    return env;
}

} // namespace

Result<std::shared_ptr<UnitRun>> order_unit(Build& build, std::size_t place, const UnitKey& key)
{
    const PlannedUnit& planned = build.state->plan().units[place];
    auto order = std::make_shared<UnitRun>();
    order->unit = planned.unit;
    order->place = place_of(build.order, planned.unit->place);
    order->spec = spec_of_unit(build, planned);
    order->pool = build.order.pool;
    order->env = environment_of(build, planned);
    order->owner = build.owner;
    order->on_failure = build.order.on_failure;
    TRY(order->sent, files_to_send(build, place, key));
    return order;
}

} // namespace slipway::core::graph
