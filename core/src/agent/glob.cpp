#include "agent/glob.hpp"

#include <cstddef>
#include <cstdint>

namespace slipway::agent {

namespace {

/// Takes a character off `text`: one of UTF-8, or else a byte, which is equal to no character.
std::uint32_t take_character(std::string_view& text)
{
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const std::uint32_t first = byte(0);
    const std::size_t size = first < 0x80                    ? 1
                             : first >= 0xc2 && first < 0xe0 ? 2
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
    std::uint32_t value = size < 2 ? first : first & (0xffU >> (size + 1));
    bool whole = size > 0 && size <= text.size();
    for (std::size_t i = 1; whole && i < size; ++i) {
        whole = (byte(i) & 0xc0U) == 0x80;
        value = value << 6 | (byte(i) & 0x3fU);
    }
    constexpr std::uint32_t beyond_unicode = 0x110000;
    text.remove_prefix(whole ? size : 1);
    return whole ? value : beyond_unicode + first;
}

/// A character of a pattern, which may have a backslash before it.
std::uint32_t take_escaped(std::string_view& glob)
{
    if (glob.front() == '\\' && glob.size() > 1) glob.remove_prefix(1);
    return take_character(glob);
}

/// Takes a set off `glob`, which begins behind its `[`, and tells whether `wanted` is in it. A
/// problem is set when it is none.
bool take_set(std::string_view& glob, std::uint32_t wanted, std::string_view& problem)
{
    const bool negated = !glob.empty() && (glob.front() == '!' || glob.front() == '^');
    if (negated) glob.remove_prefix(1);
    bool found = false;
    for (bool first = true;; first = false) {
        if (glob.empty()) {
            problem = "a '[' without its ']' in the same part";
            return false;
        }
        if (glob.front() == ']' && !first) break;
        if (glob.front() == '[' && glob.size() > 1
            && std::string_view(":.=").find(glob[1]) != std::string_view::npos) {
            problem = "named classes in '[...]' are not known";
        }
        const std::uint32_t low = take_escaped(glob);
        std::uint32_t high = low;
        if (glob.size() > 1 && glob.front() == '-' && glob[1] != ']') {
            glob.remove_prefix(1);
            high = take_escaped(glob);
            if (high < low) problem = "a range in '[...]' ends before it begins";
        }
        found = found || (low <= wanted && wanted <= high);
    }
    glob.remove_prefix(1);
    return found != negated;
}

/// Whether the first part of `glob`, which is no star, matches `wanted`; it is taken off.
bool take_one(std::string_view& glob, std::uint32_t wanted)
{
    if (glob.front() == '?') {
        glob.remove_prefix(1);
        return true;
    }
    if (glob.front() == '[') {
        glob.remove_prefix(1);
        std::string_view problem;
        return take_set(glob, wanted, problem) && problem.empty();
    }
    return take_escaped(glob) == wanted;
}

/// A part of a pattern; returns why it is none.
std::string_view parse_part(std::string_view text, ItemPart& part)
{
    if (text.empty()) return "an empty part: a '/' begins it, ends it or stands twice";
    if (text == "." || text == "..") return "a part '.' or '..'";
    if (text == "**") {
        part.kind = ItemPart::Kind::directories;
        return {};
    }
    std::string literal;
    bool is_glob = false;
    std::string_view problem;
    for (std::string_view rest = text; !rest.empty() && problem.empty();) {
        if (rest.starts_with("**")) return "'**' that is not alone between slashes";
        if (rest.front() == '\\' && rest.size() == 1) return "a '\\' at the end of a part";
        if (rest.front() == '[') {
            is_glob = true;
            rest.remove_prefix(1);
            take_set(rest, 0, problem);
            continue;
        }
        is_glob = is_glob || rest.front() == '*' || rest.front() == '?';
        if (rest.front() == '\\') rest.remove_prefix(1);
        literal += rest.front();
        rest.remove_prefix(1);
    }
    part.kind = is_glob ? ItemPart::Kind::glob : ItemPart::Kind::literal;
    part.text = is_glob ? std::string(text) : literal;
    return problem;
}

std::string_view parse_path_part(std::string_view text, std::vector<ItemPart>& parts)
{
    if (text == "..") return "it leads out of the directory";
    if (text.empty() || text == ".") return {};
    ItemPart part;
    part.text = text;
    parts.push_back(std::move(part));
    return {};
}

std::string_view parse_pattern_part(std::string_view text, std::vector<ItemPart>& parts)
{
    ItemPart part;
    const std::string_view problem = parse_part(text, part);
    const bool doubled = part.kind == ItemPart::Kind::directories && !parts.empty()
                         && parts.back().kind == part.kind;
    if (!doubled) parts.push_back(std::move(part));
    return problem;
}

} // namespace

std::string_view parse_item(const TreeItem& item, std::vector<ItemPart>& parts)
{
    parts.clear();
    if (item.kind > static_cast<std::uint8_t>(ItemKind::pattern)) return "an unknown kind of item";
    if (item.text.empty()) return "it is empty";
    if (item.text.find('\0') != std::string::npos) return "a byte 0 in it";
    if (item.text.front() == '/') return "it is not below the directory";
    const bool is_path = item.kind == static_cast<std::uint8_t>(ItemKind::path);
    for (std::string_view rest = item.text;;) {
        const std::size_t slash = rest.find('/');
        const std::string_view text = rest.substr(0, slash);
        const std::string_view problem =
            is_path ? parse_path_part(text, parts) : parse_pattern_part(text, parts);
        if (!problem.empty()) return problem;
        if (slash == std::string_view::npos) break;
        rest.remove_prefix(slash + 1);
    }
    if (!parts.empty() && parts.back().kind == ItemPart::Kind::directories) {
        ItemPart all;
        all.kind = ItemPart::Kind::glob;
        all.text = "*";
        parts.push_back(std::move(all));
    }
    return {};
}

bool glob_matches(std::string_view glob, std::string_view name)
{
    // When what follows the last star does not fit, the star takes one character more.
    bool has_star = false;
    std::string_view behind_star;
    std::string_view from_star;
    for (;;) {
        if (!glob.empty() && glob.front() == '*') {
            glob.remove_prefix(1);
            has_star = true;
            behind_star = glob;
            from_star = name;
            continue;
        }
        if (name.empty() && glob.empty()) return true;
        if (!name.empty() && !glob.empty()) {
            std::string_view rest = name;
            if (take_one(glob, take_character(rest))) {
                name = rest;
                continue;
            }
        }
        if (!has_star || from_star.empty()) return false;
        take_character(from_star);
        name = from_star;
        glob = behind_star;
    }
}

} // namespace slipway::agent
