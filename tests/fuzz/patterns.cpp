#include "agent/selection.hpp"
#include "fuzz.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

// Items of a tree, one a line, paths where they begin with '=' and else patterns; and a path, the
// last line, that is held against them.

using namespace slipway::agent;
using namespace slipway::fuzz;

namespace {

std::string_view take_line(std::string_view& text, char end)
{
    const auto at = text.find(end);
    const std::string_view line = text.substr(0, at);
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
    return line;
}

struct Item {
    std::string text;
    std::vector<ItemPart> parts;
};

TreeItem item_of(std::string_view line)
{
    TreeItem item;
    const bool is_path = line.starts_with('=');
    item.kind = static_cast<std::uint8_t>(is_path ? ItemKind::path : ItemKind::pattern);
    item.text = line.substr(is_path ? 1 : 0);
    return item;
}

/// Whether the names from `at` on fit the parts from `part` on: what Selection does for all items
/// at once, and name by name.
bool fits(
    const std::vector<ItemPart>& parts,
    std::size_t part,
    const std::vector<std::string_view>& names,
    std::size_t at
)
{
    if (part == parts.size()) return at == names.size();
    if (parts[part].kind == ItemPart::Kind::directories) {
        return fits(parts, part + 1, names, at)
               || (at < names.size() && fits(parts, part, names, at + 1));
    }
    if (at == names.size()) return false;
    const bool matches = parts[part].kind == ItemPart::Kind::literal
                             ? parts[part].text == names[at]
                             : glob_matches(parts[part].text, names[at]);
    return matches && fits(parts, part + 1, names, at + 1);
}

/// A glob of stars and plain bytes, matched by trying every length of every star.
bool matches_slowly(std::string_view glob, std::string_view name)
{
    if (glob.empty()) return name.empty();
    if (glob.front() != '*') {
        return !name.empty() && glob.front() == name.front()
               && matches_slowly(glob.substr(1), name.substr(1));
    }
    for (std::size_t taken = 0; taken <= name.size(); ++taken) {
        if (matches_slowly(glob.substr(1), name.substr(taken))) return true;
    }
    return false;
}

void check_part(const ItemPart& part, std::string_view name)
{
    const std::string_view text = part.text;
    if (part.kind != ItemPart::Kind::glob) return;
    require(text.find('/') == std::string_view::npos, "a part has a slash");
    const bool matches = glob_matches(text, name);
    require(glob_matches("*" + part.text, name) || !matches, "a star in front loses a name");
    require(glob_matches(part.text + "*", name) || !matches, "a star behind loses a name");
    const bool is_simple = text.find_first_of("?[\\") == std::string_view::npos;
    const bool is_ascii = std::ranges::all_of(text, [](char c) { return c > 0; })
                          && std::ranges::all_of(name, [](char c) { return c > 0; });
    // Beyond that the slow way takes years.
    const bool is_short = std::ranges::count(text, '*') <= 3 && name.size() <= 32;
    if (is_simple && is_ascii && is_short) {
        require(matches == matches_slowly(text, name), "a glob is matched differently");
    }
}

bool is_sorted_once(const Selection::States& states)
{
    return std::ranges::adjacent_find(states, std::greater_equal<>()) == states.end();
}

/// The text of the first item that is none of `found`; all are required.
std::string_view first_missing(const std::vector<Item>& items, const std::vector<bool>& found)
{
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (!found[i]) return items[i].text;
    }
    return "";
}

std::string_view missing_of(const Selection& selection)
{
    const TreeItem* const missing = selection.missing();
    return missing == nullptr ? "" : std::string_view(missing->text);
}

/// Goes down from name to name, and takes back what was found, from below.
void check_walk(
    Selection& selection, const std::vector<Item>& items, const std::vector<std::string_view>& names
)
{
    bool selected = false;
    std::vector<Selection::States> states{selection.begin(selected)};
    std::vector<std::vector<bool>> found;
    std::vector<std::string_view> so_far;
    for (;;) {
        require(is_sorted_once(states.back()), "a state stands there twice, or in no order");
        std::vector<bool> now = found.empty() ? std::vector<bool>(items.size()) : found.back();
        bool expected = false;
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (!fits(items[i].parts, 0, so_far, 0)) continue;
            expected = now[i] = true;
        }
        require(selected == expected, "the items select something else together than one by one");
        require(missing_of(selection) == first_missing(items, now), "another item is missing");
        found.push_back(std::move(now));
        if (so_far.size() == names.size()) break;
        selected = false;
        states.push_back(selection.step(states.back(), names[so_far.size()], selected));
        so_far.push_back(names[so_far.size()]);
    }
    for (std::size_t depth = names.size(); depth > 0; --depth) {
        selection.forget(states[depth - 1], names[depth - 1]);
        require(
            missing_of(selection) == first_missing(items, found[depth - 1]),
            "what was taken back is not missing"
        );
    }
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    std::string_view input = text_of(data, size);
    const auto last = input.rfind('\n');
    const std::string_view path = last == std::string_view::npos ? "" : input.substr(last + 1);
    input = input.substr(0, last);

    std::vector<std::string_view> names;
    for (std::string_view rest = path; !rest.empty() && names.size() < 12;) {
        names.push_back(take_line(rest, '/'));
    }
    Selection selection;
    std::vector<Item> items;
    while (!input.empty() && items.size() < 16) {
        const TreeItem item = item_of(take_line(input, '\n'));
        std::vector<ItemPart> parts;
        if (!parse_item(item, parts).empty() || parts.size() > 12) continue;
        require(selection.add(item).empty(), "an item is refused the second time");
        using Kind = ItemPart::Kind;
        require(parts.empty() || parts.back().kind != Kind::directories, "`**` is the last part");
        for (std::size_t i = 0; i < parts.size(); ++i) {
            require(!parts[i].text.empty() || parts[i].kind == Kind::directories, "an empty part");
            const bool doubled = i > 0 && parts[i].kind == Kind::directories
                                 && parts[i - 1].kind == Kind::directories;
            require(!doubled, "`**` twice");
            for (const std::string_view name : names) {
                check_part(parts[i], name);
            }
        }
        items.push_back({item.text, std::move(parts)});
    }

    check_walk(selection, items, names);
    return 0;
}
