#include "discovery/text.hpp"

#include "secrets.hpp"

#include <algorithm>

namespace slipway::engine::discovery {

bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_control_or_space(char c)
{
    return (c >= '\0' && c <= ' ') || c == '\x7f';
}

std::string to_lower(std::string_view text)
{
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

std::string_view trim(std::string_view text)
{
    while (!text.empty() && is_control_or_space(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_control_or_space(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

std::string printable(std::string_view text)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    char before = '\0';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        // The second byte of U+0080 to U+009F, by which terminals take commands too.
        const bool more_controls = before == '\xC2' && byte >= 0x80 && byte < 0xA0;
        before = c;
        if ((is_control_or_space(c) && c != ' ') || more_controls) {
            out += "\\x";
            out += digits[byte >> 4];
            out += digits[byte & 15];
        } else {
            out += c;
        }
    }
    return out;
}

std::string quote(std::string_view text)
{
    return "'" + printable(text) + "'";
}

std::string quote_url(std::string_view url)
{
    return quote(without_password(url));
}

std::string shell_quote(std::string_view word)
{
    const auto plain = [](char c) {
        return is_alphanumeric(c)
               || std::string_view("@%+=:,./-_").find(c) != std::string_view::npos;
    };
    if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return std::string(word);
    std::string out = "'";
    for (const char c : word) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            out += c;
        }
    }
    return out + "'";
}

std::string join(const std::vector<std::string>& words, std::string_view between)
{
    std::string out;
    for (const std::string& word : words) {
        if (!out.empty()) out += between;
        out += printable(word);
    }
    return out;
}

} // namespace slipway::engine::discovery
