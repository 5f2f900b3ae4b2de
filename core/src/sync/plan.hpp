#pragma once

#include "sync/known_tree.hpp"

#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace slipway::sync {

/// The files of `here` without a digest that have to be read before they can be compared with what
/// is `there`: only the bytes can tell.
std::vector<std::size_t> to_be_read(const TreeState& here, const TreeState& there);

/// What makes one tree as another: first all removals, then what is sent.
struct Plan {
    std::vector<std::string> remove;         ///< with all below; none is below another one
    std::set<std::string, std::less<>> send; ///< itself, not what is below

    bool empty() const noexcept { return remove.empty() && send.empty(); }
};
/// A file with several names is sent under all of them: an archive can say that they are one.
Plan plan(const TreeState& here, const TreeState& there);

/// Whether `path` is one that is sent, or on the way to one.
bool leads_to(const std::set<std::string, std::less<>>& send, std::string_view path);

} // namespace slipway::sync
