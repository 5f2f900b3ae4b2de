#pragma once

#include <slipway/engine/result.hpp>

#include <optional>
#include <string_view>

namespace slipway::engine::discovery {

/// The error for a scheme that other clients know and Slipway does not speak (npipe, fd), with the
/// way out as its hint; nothing for any other scheme.
std::optional<Error> foreign_scheme(std::string_view scheme, std::string_view url);

} // namespace slipway::engine::discovery
