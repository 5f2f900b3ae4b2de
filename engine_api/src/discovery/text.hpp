#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace slipway::engine::discovery {

// These are ASCII only: the C library's own depend on the locale.
bool is_alphanumeric(char c);
bool is_control_or_space(char c);
std::string to_lower(std::string_view text);
std::string_view trim(std::string_view text);

/// The text with control characters as \xNN.
std::string printable(std::string_view text);

/// The same in single quotes.
std::string quote(std::string_view text);

/// The same for a URL, with a password or token in it replaced by "***".
std::string quote_url(std::string_view url);

/// One word of a shell command, in quotes where it needs them.
std::string shell_quote(std::string_view word);

/// "a, b, c", each printable.
std::string join(const std::vector<std::string>& words, std::string_view between = ", ");

} // namespace slipway::engine::discovery
