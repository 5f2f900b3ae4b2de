#pragma once

#include <slipway/engine/result.hpp>

#include <optional>
#include <string_view>

namespace slipway::engine::discovery {

/// The error for a scheme that other clients know and Slipway does not speak (ssh, npipe, fd), with
/// the way out as its hint; nothing for any other scheme. `rest` is what follows "://" in `url`.
std::optional<Error>
foreign_scheme(std::string_view scheme, std::string_view url, std::string_view rest);

} // namespace slipway::engine::discovery
