#pragma once

#include <slipway/engine/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace slipway::engine {

/// Replaces each of `secrets` in `text` by "***". Those below 4 bytes stay: they stand in any text.
void hide(std::string& text, const std::vector<std::string>& secrets);
Error hide(Error error, const std::vector<std::string>& secrets);

/// The text with "user:***@" for the user and the password of each URL in it: proxies have them.
std::string without_passwords(std::string text);

} // namespace slipway::engine
