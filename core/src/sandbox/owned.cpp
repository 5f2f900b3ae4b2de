#include "sandbox/owned.hpp"

#include "sandbox/pool/container.hpp"
#include "sandbox/process_mark.hpp"
#include "sandbox/remove.hpp"

#include <slipway/core/labels.hpp>
#include <slipway/engine/pause.hpp>

namespace slipway::core {

using namespace std::chrono_literals;

engine::Filters our_filter()
{
    engine::Filters filters;
    filters["label"].push_back(std::string(owner_label) + "=" + std::string(owner_value));
    return filters;
}

std::string label_of(const std::map<std::string, std::string>& labels, std::string_view name)
{
    const auto found = labels.find(std::string(name));
    return found == labels.end() ? std::string() : found->second;
}

// Podman fails while a container of the list is being removed.
Task<std::vector<engine::ContainerSummary>> our_containers(engine::Client client)
{
    engine::ListContainers list;
    list.all = true;
    list.filters = our_filter();
    for (auto step = 10ms;; step *= 2) {
        auto containers = co_await engine::Containers(client.transport()).list(list);
        const bool failed = !containers && containers.error().code == Errc::engine;
        if (!failed || step > 500ms) co_return containers;
        CO_CHECK(co_await engine::pause(step));
    }
}

std::string name_of(const engine::ContainerSummary& container)
{
    return container.names.empty() ? container.id : container.names.front();
}

InUse use_of_maker(const std::string& mark)
{
    switch (liveness(mark)) {
    case Liveness::alive:
        return InUse::yes;
    case Liveness::dead:
        return InUse::no;
    case Liveness::unknown:
        break;
    }
    return InUse::unknown;
}

Task<> sweep_jobs(engine::Client client)
{
    CO_TRY(const auto containers, co_await our_containers(client));
    for (const engine::ContainerSummary& container : containers) {
        const bool pooled = label_of(container.labels, purpose_label) == pool::purpose;
        const std::string maker = label_of(container.labels, process_label);
        if (pooled || use_of_maker(maker) != InUse::no) continue;
        // What cannot be removed stays for the next one.
        const auto gone = co_await kill_and_wait(client, name_of(container));
        if (!gone && gone.error().code == Errc::cancelled) co_return fail(gone.error());
    }
    co_return ok();
}

} // namespace slipway::core
