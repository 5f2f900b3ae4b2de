#include "archive/ignore_file.hpp"

#include "agent/glob.hpp"

#include <algorithm>
#include <filesystem>

namespace slipway::core {
namespace {

constexpr std::string_view ignore_blanks = " \t\r\v\f";

std::string_view without_blanks(std::string_view text)
{
    const auto begin = text.find_first_not_of(ignore_blanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(ignore_blanks) - begin + 1);
}

// The parts of a path as it is after "a/../b" and "./b" have become "b".
std::vector<std::string> parts_of_pattern(std::string_view pattern)
{
    std::vector<std::string> parts;
    for (const auto& part : std::filesystem::path(pattern).lexically_normal()) {
        const std::string& text = part.native();
        if (text.empty() || text == "/" || text == ".") continue;
        if (text == "**" && !parts.empty() && parts.back() == "**") continue;
        parts.push_back(text);
    }
    // All that is below, and not the directory itself.
    if (!parts.empty() && parts.back() == "**") parts.emplace_back("*");
    return parts;
}

} // namespace

Result<IgnoreRules> IgnoreRules::parse(std::string_view text, const std::string& origin)
{
    IgnoreRules out;
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.starts_with('#')) continue;
        line = without_blanks(line);
        if (line.empty()) continue;
        Rule rule;
        rule.lets_in = line.starts_with('!');
        if (rule.lets_in) line = without_blanks(line.substr(1));
        if (line.empty()) {
            Error error(
                Errc::invalid_argument,
                origin + ":" + std::to_string(number) + ": a '!' without a pattern"
            );
            error.hint = "write behind it what is to be let in, or remove it";
            return fail(std::move(error));
        }
        rule.parts = parts_of_pattern(line);
        if (!rule.parts.empty()) out.rules_.push_back(std::move(rule));
    }
    return out;
}

IgnoreRules::Fit IgnoreRules::fit(const Rule& rule, std::string_view path)
{
    const std::size_t count = rule.parts.size();
    // Those parts that may come next; `count` is the end.
    std::vector<bool> at(count + 1);
    const auto reach = [&](std::vector<bool>& into, std::size_t part) {
        into[part] = true;
        while (part < count && rule.parts[part] == "**")
            into[++part] = true;
    };
    reach(at, 0);
    while (!path.empty()) {
        const auto slash = path.find('/');
        const std::string_view name = path.substr(0, slash);
        path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
        std::vector<bool> next(count + 1);
        for (std::size_t i = 0; i < count; ++i) {
            if (!at[i]) continue;
            if (rule.parts[i] == "**") {
                reach(next, i);
            } else if (agent::glob_matches(rule.parts[i], name)) {
                reach(next, i + 1);
            }
        }
        at = std::move(next);
        if (at[count]) return Fit::yes; // also for what is below
    }
    return std::ranges::find(at, true) != at.end() ? Fit::below : Fit::no;
}

bool IgnoreRules::ignores(std::string_view path) const
{
    const auto last = std::find_if(rules_.rbegin(), rules_.rend(), [&](const Rule& rule) {
        return fit(rule, path) == Fit::yes;
    });
    return last != rules_.rend() && !last->lets_in;
}

bool IgnoreRules::may_let_in_below(std::string_view directory) const
{
    return std::ranges::any_of(rules_, [&](const Rule& rule) {
        return rule.lets_in && fit(rule, directory) != Fit::no;
    });
}

} // namespace slipway::core
