#include "recipe/toml_file.hpp"

#include "archive/posix.hpp"
#include "recipe/utf8.hpp"
#include "small_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <optional>
#include <vector>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_toml_file = std::size_t{8} << 20U;
constexpr std::size_t max_toml_depth = 500;

struct TomlPosition {
    std::size_t line = 1;
    std::size_t column = 1;
};

std::string place_in(const fs::path& file, const TomlPosition& at)
{
    return file.string() + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

// Where the first byte stands that is none of UTF-8; the parser is one letter off.
std::optional<TomlPosition> not_utf8(std::string_view text)
{
    TomlPosition position;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = letter_at(text, at);
        if (length == 0) return position;
        position = text[at] == '\n' ? TomlPosition{position.line + 1, 1}
                                    : TomlPosition{position.line, position.column + 1};
        at += length;
    }
    return {};
}

struct TomlMistake {
    TomlPosition at;
    std::string_view what;
};

// Finds what the parser must not see. It has a limit for brackets and none for dotted keys, and
// what it made is taken apart by recursion; and letters that are not ASCII, which are allowed in
// strings and comments alone, lead it to a place that its authors call unreachable.
class TomlShape {
public:
    explicit TomlShape(std::string_view text)
        : text_(text.substr(text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0))
    {
    }

    std::optional<TomlMistake> mistake()
    {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '"' || c == '\'') {
                // The parser looks ahead in what is no string, and so into this one.
                if (!may_begin_string()) {
                    return TomlMistake{position_, "a quote stands in the middle of a value"};
                }
                skip_string();
                blank_line_ = false;
                continue;
            }
            if (c == '#') {
                while (at_ < text_.size() && text_[at_] != '\n') {
                    step();
                }
                continue;
            }
            count(c);
            if (header_dots_ + inside_ + dots_ > max_toml_depth) {
                return TomlMistake{position_, "tables are nested too deep"};
            }
            if (static_cast<unsigned char>(c) >= 0x80) {
                return TomlMistake{position_, "a key with such a letter needs quotes"};
            }
            step();
        }
        return {};
    }

private:
    static constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

    void count(char c)
    {
        if (c == '\n') {
            blank_line_ = true;
            in_header_ = false;
            dots_ = 0;
            return;
        }
        if (c == ' ' || c == '\t' || c == '\r') return;
        if (blank_line_ && c == '[' && brackets_.empty()) {
            in_header_ = true;
            header_dots_ = 0;
        }
        blank_line_ = false;
        if (in_header_) {
            if (c == '.') ++header_dots_;
        } else if (c == '[' || c == '{') {
            brackets_.push_back(dots_ + 1);
            inside_ += dots_ + 1;
            dots_ = 0;
        } else if ((c == ']' || c == '}') && !brackets_.empty()) {
            inside_ -= brackets_.back();
            brackets_.pop_back();
            dots_ = 0;
        } else if (c == ',') {
            dots_ = 0;
        } else if (c == '.') {
            ++dots_;
        }
    }

    bool may_begin_string() const
    {
        constexpr std::string_view before = " \t\r\n=,.[{";
        return at_ == 0 || before.find(text_[at_ - 1]) != std::string_view::npos;
    }

    // One that does not end is for the parser to complain about.
    void skip_string()
    {
        const char quote = text_[at_];
        const std::string three(3, quote);
        const bool long_one = text_.substr(at_).starts_with(three);
        for (std::size_t i = long_one ? 3 : 1; i > 0; --i) {
            step();
        }
        while (at_ < text_.size()) {
            if (text_[at_] == '\\' && quote == '"') {
                step();
            } else if (long_one && text_.substr(at_).starts_with(three)) {
                // Up to two quotes may stand before the three that end it.
                while (at_ < text_.size() && text_[at_] == quote) {
                    step();
                }
                return;
            } else if (!long_one && (text_[at_] == quote || text_[at_] == '\n')) {
                if (text_[at_] == quote) step();
                return;
            }
            step();
        }
    }

    void step()
    {
        if (at_ == text_.size()) return;
        const char c = text_[at_++];
        if (c == '\n') {
            ++position_.line;
            position_.column = 1;
        } else if (at_ == text_.size() || (static_cast<unsigned char>(text_[at_]) & 0xC0U) != 0x80) {
            ++position_.column; // a letter, of however many bytes
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
    TomlPosition position_;
    bool blank_line_ = true; // so far
    bool in_header_ = false;
    std::size_t header_dots_ = 0;
    std::vector<std::size_t> brackets_; // the levels that each adds
    std::size_t inside_ = 0;            // their sum
    std::size_t dots_ = 0;              // of the key
};

// The parser's words repeat bytes of the text as they are, and names of any length.
std::string told_mistake(std::string_view words)
{
    constexpr std::size_t most = 400;
    std::size_t end = 0;
    while (end < std::min(words.size(), most)) {
        end += std::max<std::size_t>(1, letter_at(words, end));
    }
    return posix::printable(words.substr(0, end)) + (end < words.size() ? "..." : "");
}

tl::unexpected<Error> refused_toml(std::string message)
{
    Error error(Errc::invalid_argument, std::move(message));
    error.hint = "correct this file";
    return fail(std::move(error));
}

} // namespace

std::string place_of(const toml::source_region& source)
{
    const TomlPosition at{source.begin.line, source.begin.column};
    return place_in(source.path ? fs::path(*source.path) : fs::path(), at);
}

std::string_view kind_of_node(const toml::node& node)
{
    switch (node.type()) {
    case toml::node_type::table:
        return "a table";
    case toml::node_type::array:
        return "an array";
    case toml::node_type::string:
        return "a string";
    case toml::node_type::integer:
        return "an integer";
    case toml::node_type::floating_point:
        return "a floating-point number";
    case toml::node_type::boolean:
        return "a boolean";
    default:
        return "a date or a time";
    }
}

Result<toml::table> parse_toml(std::string_view text, const fs::path& file, TomlMistakes mistakes)
{
    if (const auto at = not_utf8(text))
        return refused_toml(place_in(file, *at) + ": this is not UTF-8");
    if (const auto mistake = TomlShape(text).mistake()) {
        return refused_toml(place_in(file, mistake->at) + ": " + std::string(mistake->what));
    }
    toml::parse_result parsed = toml::parse(text, file.string());
    if (parsed) return std::move(parsed).table();
    const toml::parse_error& mistake = parsed.error();
    const bool told = mistakes == TomlMistakes::described;
    const std::string what = told ? told_mistake(mistake.description()) : "this is not TOML";
    return refused_toml(place_of(mistake.source()) + ": " + what);
}

Result<toml::table> read_toml(const fs::path& file, TomlMistakes mistakes)
{
    TRY(const std::string text, read_small_file(file, max_toml_file));
    return parse_toml(text, file, mistakes);
}

} // namespace slipway::core
