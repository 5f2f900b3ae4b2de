#include "sandbox/by_exec/selected_entries.hpp"

#include "agent/items.hpp"
#include "archive/posix.hpp"

#include <utility>

namespace slipway::core::by_exec {

Result<> check_item(const TreeItem& item)
{
    agent::Selection selection;
    return refused_item(item, selection.add(agent_item(item)));
}

Result<> SelectedEntries::add(const TreeItem& item)
{
    return refused_item(item, selection_.add(agent_item(item)));
}

bool SelectedEntries::has(std::string_view path)
{
    if (levels_.empty()) {
        Level top;
        top.states = selection_.begin(top.whole);
        levels_.push_back(std::move(top));
    }
    std::size_t depth = 0;
    for (std::string_view rest = path; !rest.empty();) {
        const std::string_view name = rest.substr(0, rest.find('/'));
        rest.remove_prefix(std::min(rest.size(), name.size() + 1));
        ++depth;
        if (depth < levels_.size() && levels_[depth].name == name) continue;
        levels_.resize(depth);
        const Level& above = levels_.back();
        Level level;
        level.name = name;
        level.whole = above.whole;
        bool selected = false;
        level.states = selection_.step(above.states, name, selected);
        level.whole = level.whole || selected;
        levels_.push_back(std::move(level));
    }
    return levels_[depth].whole;
}

Result<> SelectedEntries::check_found() const
{
    const agent::TreeItem* const missing = selection_.missing();
    if (missing == nullptr) return ok();
    return fail(
        Errc::not_found, "nothing is there that '" + posix::printable(missing->text) + "' means"
    );
}

} // namespace slipway::core::by_exec
