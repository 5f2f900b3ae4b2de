#include "images/dockerfile.hpp"

#include <algorithm>
#include <cctype>

namespace slipway::core {
namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view trimmed(std::string_view text)
{
    const std::size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::string upper(std::string_view text)
{
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
        return static_cast<char>(std::toupper(c));
    });
    return out;
}

/// "# escape=`" as a directive in the first comment lines.
bool is_escape_directive(std::string_view line)
{
    std::string text;
    std::copy_if(line.begin(), line.end(), std::back_inserter(text), [](unsigned char c) {
        return std::isspace(c) == 0;
    });
    return upper(text) == "#ESCAPE=`";
}

} // namespace

std::vector<std::string> words_of(std::string_view text)
{
    std::vector<std::string> words;
    while (!(text = trimmed(text)).empty()) {
        const std::size_t end = std::min(text.find_first_of(blanks), text.size());
        words.emplace_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return words;
}

std::string image_of_from(std::string_view arguments, std::string_view base)
{
    for (const std::string& word : words_of(arguments)) {
        if (word.starts_with("--")) continue;
        return word == "$BASE" || word == "${BASE}" ? std::string(base) : word;
    }
    return {};
}

std::vector<Instruction> instructions_of(std::string_view dockerfile)
{
    std::vector<Instruction> instructions;
    std::string joined;
    char escape = '\\';
    bool directives = true; // they may stand only before anything else
    while (!dockerfile.empty()) {
        const std::size_t end = std::min(dockerfile.find('\n'), dockerfile.size());
        std::string_view line = trimmed(dockerfile.substr(0, end));
        dockerfile.remove_prefix(std::min(end + 1, dockerfile.size()));
        if (line.starts_with('#')) { // also inside a continued instruction
            if (directives && is_escape_directive(line)) escape = '`';
            continue;
        }
        directives = false;
        if (line.empty()) continue;
        const bool goes_on = line.back() == escape && !dockerfile.empty();
        if (goes_on) line = trimmed(line.substr(0, line.size() - 1));
        if (!joined.empty() && !line.empty()) joined += ' ';
        joined += line;
        if (goes_on || joined.empty()) continue;
        const std::size_t name_end = std::min(joined.find_first_of(blanks), joined.size());
        const std::string_view text(joined);
        instructions.push_back(
            {upper(text.substr(0, name_end)), std::string(trimmed(text.substr(name_end)))}
        );
        joined.clear();
    }
    return instructions;
}

} // namespace slipway::core
