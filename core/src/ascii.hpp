#pragma once

#include <algorithm>
#include <string>
#include <string_view>

/// Letters as file formats mean them: those of ASCII, whatever the locale.
namespace slipway::core {

constexpr bool is_letter(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr bool is_letter_or_digit(char c) noexcept
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

inline std::string upper(std::string_view text)
{
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return out;
}

} // namespace slipway::core
