#include "graph/unit_paths.hpp"

#include "graph/unit_text.hpp"

#include <algorithm>

namespace slipway::core {
namespace {

constexpr std::string_view own_directory = ".slipway";
constexpr std::string_view in_own_directory = ".slipway/";
constexpr std::string_view another_path = "choose another path";
constexpr std::string_view inside_rule =
    "paths are relative to the file's directory and stay in it";

/// Takes off what stands before the next slash, and the slash.
std::string_view take_path_part(std::string_view& rest)
{
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    return part;
}

bool has_control_character(std::string_view text)
{
    unsigned char before = 0;
    return std::ranges::any_of(text, [&](char c) {
        const auto byte = static_cast<unsigned char>(c);
        // U+0080 to U+009F are some as well.
        const bool found =
            byte < 0x20 || byte == 0x7F || (before == 0xC2 && byte >= 0x80 && byte < 0xA0);
        before = byte;
        return found;
    });
}

/// Without empty parts and those that are a dot.
std::string shortest_form(std::string_view text)
{
    std::string out;
    const bool directory = text.ends_with('/');
    while (!text.empty()) {
        const std::string_view part = take_path_part(text);
        if (part.empty() || part == ".") continue;
        if (!out.empty()) out += '/';
        out += part;
    }
    if (directory && !out.empty()) out += '/';
    return out;
}

bool is_shortest_form(std::string_view text)
{
    while (!text.empty()) {
        const std::string_view part = take_path_part(text);
        if (part.empty() || part == ".") return false;
    }
    return true;
}

bool leads_out(std::string_view text)
{
    while (!text.empty()) {
        if (take_path_part(text) == "..") return true;
    }
    return false;
}

/// "*.{c,h}" as shells have it.
bool has_alternatives(std::string_view text)
{
    for (std::size_t at = 0; (at = text.find('{', at)) != std::string_view::npos; ++at) {
        if (at > 0 && (text[at - 1] == '[' || text[at - 1] == '\\')) continue;
        const std::string_view inside = text.substr(at, text.find('}', at) - at);
        const bool closed = at + inside.size() < text.size();
        if (closed && inside.find(',') != std::string_view::npos
            && inside.find('/') == std::string_view::npos)
            return true;
    }
    return false;
}

std::optional<UnitPathMistake> check_general_form(std::string_view text)
{
    constexpr std::size_t most = 4095; // the system takes no longer ones
    if (text.empty()) return {{"a path is empty", std::string(inside_rule)}};
    if (has_control_character(text))
        return {{in_quotes(text) + " has a control character", "paths are text of one line"}};
    if (text.size() > most) return {{in_quotes(text) + " is longer than any path", "shorten it"}};
    if (text.front() == '/') return {{in_quotes(text) + " is absolute", std::string(inside_rule)}};
    if (leads_out(text)) return {{in_quotes(text) + " has a part '..'", std::string(inside_rule)}};
    if (is_shortest_form(text)) return {};
    const std::string shortest = shortest_form(text);
    if (!shortest.empty())
        return {{in_quotes(text) + " is not the shortest form", "write " + in_quotes(shortest)}};
    return {
        {in_quotes(text) + " is the file's directory itself",
         "name what is in it: a file, a directory, or ** for all"}};
}

std::optional<UnitPathMistake> check_pattern(std::string_view text)
{
    if (has_alternatives(text)) {
        return {
            {in_quotes(text) + " has braces, which are no part of patterns",
             "write one pattern for each; [{] means the brace itself"}};
    }
    agent::TreeItem item;
    item.kind = static_cast<std::uint8_t>(agent::ItemKind::pattern);
    item.text = text;
    std::vector<agent::ItemPart> parts;
    const std::string_view problem = agent::parse_item(item, parts);
    if (problem.empty()) return {};
    return {
        {in_quotes(text) + " is no pattern: " + std::string(problem),
         "a pattern has *, ?, [a-z] and ** between slashes; \\ before them means themselves"}};
}

std::optional<UnitPathMistake> check_one_path(std::string_view text, UnitPathRole role)
{
    const bool directory = text.ends_with('/');
    const bool pattern = text.find_first_of("*?") != std::string_view::npos;
    if (role == UnitPathRole::output) {
        if (!pattern) return {};
        return {
            {in_quotes(text) + " is a pattern",
             "name files, or a directory with a slash at the end for all in it"}};
    }
    if (pattern) return {{in_quotes(text) + " is a pattern", "name a file"}};
    if (directory) return {{in_quotes(text) + " is a directory", "name a file"}};
    return {};
}

} // namespace

bool is_unit_pattern(std::string_view text) noexcept
{
    return text.find_first_of("*?[\\") != std::string_view::npos;
}

std::optional<UnitPathMistake>
check_unit_path(std::string& text, UnitPathRole role, std::string_view file_name)
{
    if (auto mistake = check_general_form(text)) return mistake;
    const bool either = role == UnitPathRole::input || role == UnitPathRole::scratch;
    if (either && text.ends_with('/')) text.pop_back();
    const bool pattern = either && is_unit_pattern(text);
    if (auto mistake = pattern  ? check_pattern(text)
                       : either ? std::nullopt
                                : check_one_path(text, role))
        return mistake;
    const std::string literal = pattern ? UnitPattern(text).literal() : text;
    if (literal == own_directory || literal.starts_with(in_own_directory)) {
        const bool itself = text == own_directory || text == in_own_directory;
        return {
            {in_quotes(text) + (itself ? " is" : " is in") + " slipway's own directory",
             std::string(another_path)}};
    }
    const bool written = role == UnitPathRole::output || role == UnitPathRole::depfile;
    std::string_view bare = text;
    if (bare.ends_with('/')) bare.remove_suffix(1);
    if (written && bare == file_name)
        return {{in_quotes(text) + " is this file", std::string(another_path)}};
    return {};
}

std::optional<UnitPathMistake> check_absolute_path(std::string_view text)
{
    if (!text.starts_with('/')) return {{in_quotes(text) + " is not absolute", ""}};
    if (has_control_character(text)) return {{in_quotes(text) + " has a control character", ""}};
    if (leads_out(text)) return {{in_quotes(text) + " has a part '..'", ""}};
    std::string shortest = shortest_form(text);
    if (shortest.ends_with('/')) shortest.pop_back();
    shortest.insert(0, "/");
    if (shortest == "/") return {{in_quotes(text) + " is the whole sandbox", ""}};
    if (shortest == text) return {};
    return {{in_quotes(text) + " is not the shortest form", "write " + in_quotes(shortest)}};
}

UnitPattern::UnitPattern(std::string_view text)
{
    agent::TreeItem item;
    item.kind = static_cast<std::uint8_t>(agent::ItemKind::pattern);
    item.text = text;
    agent::parse_item(item, parts_);
    using Kind = agent::ItemPart::Kind;
    while (literal_parts_ < parts_.size() && parts_[literal_parts_].kind == Kind::literal) {
        if (!literal_.empty()) literal_ += '/';
        literal_ += parts_[literal_parts_++].text;
    }
    prefix_ = literal_;
    if (is_literal()) return;
    const agent::ItemPart& first = parts_[literal_parts_];
    if (!prefix_.empty()) prefix_ += '/';
    if (first.kind == Kind::glob)
        prefix_ += first.text.substr(0, first.text.find_first_of("*?[\\"));
}

std::string_view UnitPattern::suffix() const noexcept
{
    if (parts_.empty()) return {};
    const agent::ItemPart& last = parts_.back();
    const std::string_view text = last.text;
    if (last.kind == agent::ItemPart::Kind::literal) return text;
    return text.substr(text.find_last_of("*?[]\\") + 1); // a glob has one of them
}

bool UnitPattern::could_match(std::string_view path, bool is_directory) const
{
    States now(parts_.size() + 1, 0);
    States next;
    reach(now, 0);
    while (!path.empty()) {
        const std::string_view name = take_path_part(path);
        next.assign(parts_.size() + 1, 0);
        bool any = false;
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            if (now[i] == 0) continue;
            const agent::ItemPart& part = parts_[i];
            if (part.kind == agent::ItemPart::Kind::directories) {
                reach(next, i);
            } else if (part.kind == agent::ItemPart::Kind::literal ? part.text == name : agent::glob_matches(part.text, name)) {
                reach(next, i + 1);
            } else {
                continue;
            }
            any = true;
        }
        // What is found is found with all below it.
        if (next.back() != 0) return true;
        if (!any) return false;
        now.swap(next);
    }
    return is_directory;
}

void UnitPattern::reach(States& states, std::size_t part) const
{
    states[part] = 1;
    if (part < parts_.size() && parts_[part].kind == agent::ItemPart::Kind::directories)
        reach(states, part + 1); // none follows another
}

} // namespace slipway::core
