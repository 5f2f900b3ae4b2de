#pragma once

#include <slipway/engine/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace slipway::engine {

/// Replaces each of `secrets` in `text` by "***", also where the text was made one line or was cut,
/// and where it has them in quotes as JSON or Go do. Those below 4 bytes stay: they stand in any
/// text.
void hide(std::string& text, const std::vector<std::string>& secrets);
Error hide(Error error, const std::vector<std::string>& secrets);

/// The URL with "user:***@" for a user with a password, and "***@" for a token; a user alone is
/// left to ssh. It may lack a scheme.
std::string without_password(std::string_view url);

/// The same for each URL in a text. To be asked before the text is cut, perhaps before an '@'.
std::string without_passwords(std::string_view text);

} // namespace slipway::engine
