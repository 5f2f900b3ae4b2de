#include "agent/selection.hpp"

#include <algorithm>
#include <utility>

namespace slipway::agent {

namespace {

bool is_pattern(const TreeItem& item)
{
    return item.kind == static_cast<std::uint8_t>(ItemKind::pattern);
}

void sort_once(auto& list)
{
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
}

} // namespace

std::string_view Selection::add(const TreeItem& item)
{
    Item& added = items_.emplace_back();
    added.item = item;
    return parse_item(item, added.parts);
}

void Selection::reach(State state, States& states, bool& selected, int times)
{
    Item& item = items_[state.item];
    if (state.part == item.parts.size()) {
        item.found += times;
        selected = true;
        return;
    }
    states.push_back(state);
    // `**` may be no directory at all.
    if (item.parts[state.part].kind == ItemPart::Kind::directories) {
        ++state.part;
        states.push_back(state);
    }
}

Selection::States Selection::begin(bool& selected)
{
    States states;
    for (std::uint32_t item = 0; item < items_.size(); ++item) {
        State state;
        state.item = item;
        reach(state, states, selected, 1);
    }
    return states;
}

Selection::States Selection::step(const States& states, std::string_view name, bool& selected)
{
    return follow(states, name, selected, 1);
}

void Selection::forget(const States& states, std::string_view name)
{
    bool ignored = false;
    follow(states, name, ignored, -1);
}

Selection::States
Selection::follow(const States& states, std::string_view name, bool& selected, int times)
{
    States below;
    for (State state : states) {
        const ItemPart& part = items_[state.item].parts[state.part];
        if (part.kind == ItemPart::Kind::directories) {
            reach(state, below, selected, times);
            continue;
        }
        const bool matches = part.kind == ItemPart::Kind::literal ? part.text == name
                                                                  : glob_matches(part.text, name);
        if (!matches) continue;
        ++state.part;
        reach(state, below, selected, times);
    }
    sort_once(below);
    return below;
}

Selection::States Selection::behind_symlink(const States& states) const
{
    States kept;
    std::copy_if(states.begin(), states.end(), std::back_inserter(kept), [&](State state) {
        return !is_pattern(items_[state.item].item);
    });
    return kept;
}

bool Selection::are_names(const States& states, std::vector<std::string_view>& names) const
{
    for (const State state : states) {
        const ItemPart& part = items_[state.item].parts[state.part];
        if (part.kind != ItemPart::Kind::literal) return false;
        names.push_back(part.text);
    }
    sort_once(names);
    return true;
}

const TreeItem* Selection::missing() const
{
    for (const Item& item : items_) {
        if (item.item.required && item.found == 0) return &item.item;
    }
    return nullptr;
}

} // namespace slipway::agent
