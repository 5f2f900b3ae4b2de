#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace slipway::cli {
namespace {

bool starts_code_point(char c) noexcept
{
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
}

/// The length of the escape sequence at the front of `text`, which starts with ESC.
std::size_t escape_length(std::string_view text) noexcept
{
    if (text.size() < 2) return text.size();
    if (text[1] == '[') { // CSI: ends with a byte from 0x40 to 0x7E
        std::size_t end = 2;
        while (end < text.size() && (text[end] < 0x40 || text[end] > 0x7E)) {
            ++end;
        }
        return std::min(end + 1, text.size());
    }
    if (text[1] == ']') { // OSC: ends with BEL or ESC backslash
        for (std::size_t end = 2; end < text.size(); ++end) {
            if (text[end] == '\a') return end + 1;
            if (text[end] == '\x1b') return std::min(end + 2, text.size());
        }
        return text.size();
    }
    return 2;
}

bool is_control(char c) noexcept
{
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

/// Whether `text` starts with one of U+0080 to U+009F, which terminals may obey as well.
bool starts_with_control_code(std::string_view text) noexcept
{
    return text.size() > 1 && text[0] == '\xC2'
           && (static_cast<unsigned char>(text[1]) & 0xE0U) == 0x80U;
}

/// The byte offset of code point number `count`.
std::size_t offset_of(std::string_view text, std::size_t count) noexcept
{
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (starts_code_point(text[i]) && count-- == 0) return i;
    }
    return text.size();
}

} // namespace

std::string plain(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    std::size_t line_start = 0;
    bool returned = false; // a '\r' was seen, and nothing after it yet
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\x1b') {
            i += escape_length(text.substr(i)) - 1;
            continue;
        }
        if (c == '\r') {
            returned = true;
            continue;
        }
        if (c == '\n') {
            out += '\n';
            line_start = out.size();
            returned = false;
            continue;
        }
        if (is_control(c) && c != '\t') continue;
        if (starts_with_control_code(text.substr(i))) {
            ++i;
            continue;
        }
        if (returned) {
            out.resize(line_start);
            returned = false;
        }
        out += c;
    }
    return out;
}

std::string one_line(std::string_view text, std::size_t columns)
{
    std::string line = plain(text);
    while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) {
        line.pop_back();
    }
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '\n' || c == '\t'; }, ' '
    );
    const std::size_t width = width_of(line);
    if (width <= columns) return line;
    if (columns <= 3) return line.substr(0, offset_of(line, columns));
    const std::size_t kept = columns - 3;
    const std::size_t head = kept - kept / 3; // the start tells more than the end
    return line.substr(0, offset_of(line, head)) + "..."
           + line.substr(offset_of(line, width - (kept - head)));
}

std::vector<std::string_view> lines_of(std::string_view text)
{
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

std::string size_text(std::uint64_t bytes)
{
    static constexpr std::array units{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) return fmt::format("{} B", bytes);
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < units.size()) {
        value /= 1000;
        ++unit;
    }
    return value < 9.95 ? fmt::format("{:.1f} {}", value, units[unit])
                        : fmt::format("{:.0f} {}", value, units[unit]);
}

std::size_t width_of(std::string_view text) noexcept
{
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_code_point));
}

} // namespace slipway::cli
