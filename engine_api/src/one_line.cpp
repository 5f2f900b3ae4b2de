#include "one_line.hpp"

#include <algorithm>

namespace slipway::engine {

namespace {

/// Length of the UTF-8 character at the start of `text`, or 0 when there is none.
std::size_t character_length(std::string_view text)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                               : first >= 0xE0 && first <= 0xEF ? 3
                               : first >= 0xF0 && first <= 0xF4 ? 4
                                                                : 0;
    if (length == 0 || text.size() < length) return 0;
    // The second byte rules out overlong forms, surrogates and what is past U+10FFFF.
    const unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (byte(1) < low || byte(1) > high) return 0;
    for (std::size_t i = 2; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) return 0;
    }
    return length;
}

/// Also those that Unicode keeps beside ASCII's: to a terminal, U+009B begins a command.
bool is_blank_or_control(std::string_view character)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
    if (character.size() == 1) return byte(0) <= ' ' || byte(0) == 0x7F;
    return character.size() == 2 && byte(0) == 0xC2 && byte(1) < 0xA0;
}

} // namespace

std::string one_line(std::string_view text, std::size_t max_bytes)
{
    std::string line;
    bool space = false; // one is owed, unless the line has not begun or is over
    while (!text.empty()) {
        const std::size_t length = character_length(text);
        if (is_blank_or_control(text.substr(0, length))) {
            space = space || !line.empty();
            text.remove_prefix(length);
            continue;
        }
        const std::string_view character = length == 0 ? "\xEF\xBF\xBD" : text.substr(0, length);
        if (line.size() + character.size() + 1 > max_bytes) return line + "...";
        if (space) line.push_back(' ');
        space = false;
        line.append(character);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return line;
}

bool is_utf8(std::string_view text) noexcept
{
    const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    while (!text.empty()) {
        text.remove_prefix(
            static_cast<std::size_t>(std::ranges::find_if_not(text, is_ascii) - text.begin())
        );
        if (text.empty()) break;
        const std::size_t length = character_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

} // namespace slipway::engine
