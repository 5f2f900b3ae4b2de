#include "sync/tree_state.hpp"

#include "agent/codec.hpp"
#include "archive/content_hasher.hpp"

#include <algorithm>
#include <utility>

namespace slipway::sync {

namespace {

constexpr std::size_t batch_bytes = 65'536;

} // namespace

bool path_less(std::string_view a, std::string_view b) noexcept
{
    const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    if (y == b.end()) return false;
    if (x == a.end()) return true;
    if (*x == '/' || *y == '/') return *x == '/';
    return static_cast<unsigned char>(*x) < static_cast<unsigned char>(*y);
}

bool is_within(std::string_view path, std::string_view above) noexcept
{
    return path.starts_with(above) && (path.size() == above.size() || path[above.size()] == '/');
}

core::ContentHash digest_of(const TreeState& state)
{
    core::ContentHasher hasher;
    std::uint64_t size = 0;
    std::string batch;
    agent::Writer write(batch);
    const auto flush = [&] {
        hasher.add(size, batch);
        size += batch.size();
        batch.clear();
    };
    for (const StateEntry& entry : state) {
        write.field(entry);
        if (batch.size() >= batch_bytes) flush();
    }
    flush();
    return hasher.finish(size);
}

StateChange change_between(const TreeState& from, const TreeState& to)
{
    StateChange change;
    merge(
        from,
        to,
        [&](const StateEntry& old) { change.gone.push_back(old.path); },
        [&](const StateEntry& now) { change.changed.push_back(now); },
        [&](const StateEntry& old, const StateEntry& now) {
            if (old != now) change.changed.push_back(now);
        }
    );
    return change;
}

TreeState changed_by(TreeState from, StateChange change)
{
    TreeState to;
    to.reserve(from.size() + change.changed.size());
    auto gone = change.gone.begin();
    merge(
        from,
        change.changed,
        [&](StateEntry& old) {
            while (gone != change.gone.end() && path_less(*gone, old.path))
                ++gone;
            if (gone == change.gone.end() || *gone != old.path) to.push_back(std::move(old));
        },
        [&](StateEntry& now) { to.push_back(std::move(now)); },
        [&](StateEntry&, StateEntry& now) { to.push_back(std::move(now)); }
    );
    return to;
}

const StateEntry* found_in(const TreeState& state, std::string_view path)
{
    const auto at = std::lower_bound(
        state.begin(),
        state.end(),
        path,
        [](const StateEntry& entry, std::string_view other) { return path_less(entry.path, other); }
    );
    return at != state.end() && at->path == path ? &*at : nullptr;
}

bool is(const StateEntry& entry, agent::EntryKind kind) noexcept
{
    return entry.kind == static_cast<std::uint8_t>(kind);
}

bool has_digest(const StateEntry& entry) noexcept
{
    return entry.digest != core::ContentHash();
}

} // namespace slipway::sync
