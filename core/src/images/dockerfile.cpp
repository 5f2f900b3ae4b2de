#include "images/dockerfile.hpp"

#include "ascii.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

namespace slipway::core {
namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view trimmed(std::string_view text)
{
    const std::size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

/// The next line of `text`, which loses it.
std::string_view take_line(std::string_view& text)
{
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

struct Directive {
    std::string key;
    std::string_view value;
};

/// "# key = value".
std::optional<Directive> as_directive(std::string_view line)
{
    line = trimmed(line);
    if (!line.starts_with('#')) return std::nullopt;
    line.remove_prefix(1);
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view key = trimmed(line.substr(0, equals));
    const bool is_word = !key.empty() && std::ranges::all_of(key, [](unsigned char c) {
        return std::isalnum(c) != 0;
    });
    const std::string_view value = trimmed(line.substr(equals + 1));
    if (!is_word || value.empty()) return std::nullopt;
    return Directive{upper(key), value};
}

struct Heredoc {
    std::string_view end; ///< the line that ends it
    bool drops_tabs = false;
};

/// Reads "<<EOF", "<<-EOF", "3<<'EOF'".
std::optional<Heredoc> as_heredoc(std::string_view word)
{
    word.remove_prefix(std::min(word.find_first_not_of("0123456789"), word.size()));
    if (!word.starts_with("<<")) return std::nullopt;
    word.remove_prefix(2);
    Heredoc found;
    if (word.starts_with('-')) {
        found.drops_tabs = true;
        word.remove_prefix(1);
    }
    const bool quoted = word.size() > 2 && word.front() == word.back()
                        && (word.front() == '"' || word.front() == '\'');
    found.end = quoted ? word.substr(1, word.size() - 2) : word;
    if (found.end.empty() || found.end.find_first_of("<'\"") != found.end.npos) {
        return std::nullopt;
    }
    return found;
}

Instruction instruction_of(std::string_view line)
{
    const std::size_t name_end = std::min(line.find_first_of(blanks), line.size());
    Instruction out;
    out.keyword = upper(line.substr(0, name_end));
    out.arguments = trimmed(line.substr(name_end));
    return out;
}

/// Takes the lines of a here-document from the front of `text`; false, and nothing taken, when its
/// end is not there.
bool take_heredoc(std::string_view& text, const Heredoc& heredoc)
{
    std::string_view rest = text;
    while (!rest.empty()) {
        std::string_view line = take_line(rest);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (heredoc.drops_tabs) {
            line.remove_prefix(std::min(line.find_first_not_of('\t'), line.size()));
        }
        if (line != heredoc.end) continue;
        text = rest;
        return true;
    }
    return false;
}

/// Takes the here-documents that the instruction announces.
bool take_heredocs(std::string_view& text, const Instruction& instruction)
{
    const std::string& keyword = instruction.keyword;
    if (keyword != "RUN" && keyword != "COPY" && keyword != "ADD") return false;
    bool taken = false;
    for (const std::string& word : words_of(instruction.arguments)) {
        const auto heredoc = as_heredoc(word);
        if (heredoc) taken = take_heredoc(text, *heredoc) || taken;
    }
    return taken;
}

} // namespace

std::string directive_of(std::string_view dockerfile, std::string_view key)
{
    while (!dockerfile.empty()) {
        const auto directive = as_directive(take_line(dockerfile));
        if (!directive) return {};
        if (directive->key == upper(key)) return std::string(directive->value);
    }
    return {};
}

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
    const char escape = directive_of(dockerfile, "escape") == "`" ? '`' : '\\';
    while (!dockerfile.empty()) {
        std::string_view line = trimmed(take_line(dockerfile));
        if (line.empty() || line.starts_with('#')) continue; // also inside a continued instruction
        const bool goes_on = line.back() == escape;
        if (goes_on) line = trimmed(line.substr(0, line.size() - 1));
        if (!joined.empty() && !line.empty()) joined += ' ';
        joined += line;
        if (goes_on || joined.empty()) continue;
        Instruction& made = instructions.emplace_back(instruction_of(joined));
        made.has_heredoc = take_heredocs(dockerfile, made);
        joined.clear();
    }
    if (!joined.empty()) instructions.push_back(instruction_of(joined)); // nothing came any more
    return instructions;
}

} // namespace slipway::core
