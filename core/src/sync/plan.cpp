#include "sync/plan.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

namespace slipway::sync {

namespace {

using agent::EntryKind;

void remove(std::vector<std::string>& all, const std::string& path)
{
    // In the order of the walk what is below a path follows it.
    if (all.empty() || !is_within(path, all.back())) all.push_back(path);
}

} // namespace

std::vector<std::size_t> to_be_read(const TreeState& here, const TreeState& there)
{
    std::vector<std::size_t> places;
    auto other = there.begin();
    for (std::size_t i = 0; i < here.size(); ++i) {
        const StateEntry& entry = here[i];
        while (other != there.end() && path_less(other->path, entry.path))
            ++other;
        if (other == there.end()) break;
        if (!is(entry, EntryKind::file) || has_digest(entry) || other->path != entry.path) continue;
        if (is(*other, EntryKind::file) && other->size == entry.size) places.push_back(i);
    }
    return places;
}

Plan plan(const TreeState& here, const TreeState& there)
{
    Plan out;
    std::set<std::string_view> linked; // first names of files that are sent
    const auto send = [&](const StateEntry& entry) {
        out.send.insert(entry.path);
        if (is(entry, EntryKind::file)) {
            linked.insert(entry.same_as.empty() ? entry.path : entry.same_as);
        }
    };
    merge(
        here,
        there,
        send,
        [&](const StateEntry& other) { remove(out.remove, other.path); },
        [&](const StateEntry& entry, const StateEntry& other) {
            const bool directory = is(entry, EntryKind::directory);
            if (directory != is(other, EntryKind::directory)) remove(out.remove, other.path);
            if (entry != other) send(entry);
        }
    );
    for (const StateEntry& entry : here) {
        if (linked.empty()) break;
        const bool one_of_many = !entry.same_as.empty() && linked.contains(entry.same_as);
        if (one_of_many) out.send.insert({entry.path, entry.same_as});
    }
    return out;
}

bool leads_to(const std::set<std::string, std::less<>>& send, std::string_view path)
{
    const auto next = send.lower_bound(path);
    if (next == send.end()) return false;
    if (*next == path) return true;
    // "a.b" stands between "a" and "a/b".
    const auto below = send.lower_bound(std::string(path) + '/');
    return below != send.end() && is_within(*below, path);
}

} // namespace slipway::sync
