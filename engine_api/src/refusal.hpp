#pragma once

#include <slipway/engine/result.hpp>

#include <string_view>

namespace slipway::engine {

/// What a registry's refusal is, where the engine has no status for it: podman always, and dockerd
/// for some. Errc::engine when the text is none of those known.
Errc code_of_refusal(std::string_view message) noexcept;

/// The message ends as a registry's refusal for want of credentials, or of other ones, does. That
/// is how an engine ends a build whose FROM it cannot pull; what a step prints stands elsewhere.
bool is_login_wanted(std::string_view message) noexcept;

} // namespace slipway::engine
