#include "sandbox/pool/dead_entries.hpp"

#include "sandbox/owned.hpp"
#include "sandbox/pool/directory.hpp"
#include "sandbox/pool/key.hpp"

#include <algorithm>
#include <set>
#include <string>

namespace slipway::core::pool {

Task<>
erase_dead_entries(engine::Client client, std::filesystem::path base, std::vector<OwnedObject> all)
{
    std::vector<Entry> lone;
    for (const char* mark : {pooled_mark, fresh_mark}) {
        for (const auto& directory : entries(base, key(client.endpoint()) + mark)) {
            const auto is_it = [&](const OwnedObject& object) {
                return object.name == directory.filename();
            };
            if (std::ranges::any_of(all, is_it)) continue;
            if (auto entry = Entry::take(directory)) lone.push_back(*std::move(entry));
        }
    }
    if (lone.empty()) co_return ok();
    // Asked again now that they are ours: a container may have been made since, whose maker has
    // given its entry back.
    CO_TRY(const auto containers, co_await our_containers(client));
    std::set<std::string> there;
    for (const engine::ContainerSummary& container : containers) {
        there.insert(name_of(container));
    }
    for (const Entry& entry : lone) {
        if (!there.contains(entry.container())) entry.erase();
    }
    co_return ok();
}

} // namespace slipway::core::pool
