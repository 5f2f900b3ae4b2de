#pragma once

#include <string>
#include <string_view>

namespace slipway::core {

/// A word that a shell reads as `text`, whatever it has.
inline std::string shell_quoted(std::string_view text)
{
    std::string word = "'";
    for (const char c : text) {
        if (c == '\'') {
            word += "'\\''";
        } else {
            word += c;
        }
    }
    return word + "'";
}

} // namespace slipway::core
