#pragma once

#include "agent/messages.hpp"

#include <slipway/core/manifest.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What both sides of a synchronised tree compare.
namespace slipway::sync {

/// One path of a tree: what makes two trees differ, and nothing else.
struct StateEntry {
    std::string path;          ///< below the root, never the root itself
    std::uint8_t kind = 0;     ///< an EntryKind: file, directory, symlink or fifo
    std::uint16_t mode = 0;    ///< permissions: 0777; 0 of a symlink
    std::uint64_t size = 0;    ///< of a file
    std::int64_t mtime_ns = 0; ///< of a file
    std::string link_target;
    core::ContentHash digest{}; ///< of a file; 0 where nobody has read it
    /// Of a file with several names in the tree, save for the first of them: the first.
    std::string same_as;

    static void fields(auto& f, auto& m)
    {
        f(m.path), f(m.kind), f(m.mode), f(m.size), f(m.mtime_ns);
        f(m.link_target), f(m.digest.high), f(m.digest.low), f(m.same_as);
    }
    friend bool operator==(const StateEntry&, const StateEntry&) = default;
};

/// The order of a walk with sorted names: a directory, all below it, then the next name. So '/' is
/// less than every other byte.
bool path_less(std::string_view a, std::string_view b) noexcept;

/// Whether it is that path, or below it.
bool is_within(std::string_view path, std::string_view above) noexcept;

/// What is known of a tree, in the order of path_less.
using TreeState = std::vector<StateEntry>;

/// Goes through two states together, in their order. `only_left`, `only_right` and `both` get what
/// they name.
template <class LeftState, class RightState, class Left, class Right, class Both>
void merge(LeftState& left, RightState& right, Left only_left, Right only_right, Both both)
{
    auto a = left.begin();
    auto b = right.begin();
    while (a != left.end() || b != right.end()) {
        if (b == right.end() || (a != left.end() && path_less(a->path, b->path))) {
            only_left(*a++);
        } else if (a == left.end() || path_less(b->path, a->path)) {
            only_right(*b++);
        } else {
            both(*a++, *b++);
        }
    }
}

/// What tells a state from all others.
core::ContentHash digest_of(const TreeState& state);

/// From one state to another.
struct StateChange {
    TreeState changed;             ///< new, or different; in order
    std::vector<std::string> gone; ///< in order

    bool empty() const noexcept { return changed.empty() && gone.empty(); }
};
StateChange change_between(const TreeState& from, const TreeState& to);
/// The state that `change` leads to.
TreeState changed_by(TreeState from, StateChange change);

/// Nothing when there is none.
const StateEntry* found_in(const TreeState& state, std::string_view path);

bool is(const StateEntry& entry, agent::EntryKind kind) noexcept;
bool has_digest(const StateEntry& entry) noexcept;

} // namespace slipway::sync
