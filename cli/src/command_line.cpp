#include "command_line.hpp"

#include <algorithm>
#include <iterator>

namespace slipway::cli {
namespace {

bool is_option(const std::string& word)
{
    return word.size() > 1 && word.starts_with('-');
}

constexpr std::string_view toolchain_option = "--toolchain";

/// The one option of ours that stands behind `cargo`, which has none of that name.
bool is_toolchain(const std::string& word)
{
    return word == toolchain_option || word.starts_with(std::string(toolchain_option) + "=");
}

/// Whether the value of an option follows as a word of its own.
bool wants_next(const CLI::App& app, const std::string& option)
{
    for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
        if (const CLI::Option* found = at->get_option_no_throw(option)) {
            return found->get_items_expected_min() > 0;
        }
    }
    return false;
}

/// The first word from `at` on that is no option and no option's value; `--` is never a value.
std::size_t first_bare(const CLI::App& app, const std::vector<std::string>& words, std::size_t at)
{
    while (at < words.size() && is_option(words[at]) && words[at] != "--") {
        const bool pair =
            wants_next(app, words[at]) && at + 1 < words.size() && words[at + 1] != "--";
        at += pair ? 2U : 1U;
    }
    return at;
}

} // namespace

CommandLine split(const CLI::App& app, std::vector<std::string> words)
{
    CommandLine line;
    line.ours = std::move(words);
    std::size_t at = first_bare(app, line.ours, 0);
    if (at >= line.ours.size()) return line;
    const std::string name = line.ours[at++];
    if (name == "run") {
        at = first_bare(*app.get_subcommand(name), line.ours, at);
    } else if (name == "build") {
        const auto rest = line.ours.begin() + static_cast<std::ptrdiff_t>(at);
        const auto mark = std::find(rest, line.ours.end(), "--");
        at = static_cast<std::size_t>(mark - line.ours.begin());
    } else if (name == "cargo" && at < line.ours.size() && is_toolchain(line.ours[at])) {
        const bool pair = line.ours[at] == toolchain_option && at + 1 < line.ours.size();
        at += pair ? 2U : 1U;
    } else if (name != "cargo" || at >= line.ours.size() || line.ours[at] == "--help" || line.ours[at] == "-h") {
        return line;
    }
    const auto begin = line.ours.begin() + static_cast<std::ptrdiff_t>(at);
    const bool marked = name != "cargo" && begin != line.ours.end() && *begin == "--";
    line.command.assign(
        std::make_move_iterator(begin + (marked ? 1 : 0)), std::make_move_iterator(line.ours.end())
    );
    line.ours.erase(begin, line.ours.end());
    return line;
}

} // namespace slipway::cli
