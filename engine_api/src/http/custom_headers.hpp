#pragma once

#include <slipway/engine/transport.hpp>

#include <string_view>

namespace slipway::engine {

/// A client makes it itself, so that nobody else can: what rules a connection or a body, and the
/// credentials for registries.
bool is_reserved_header(std::string_view name);

/// Whether HTTP allows a field of that name and value. Errors: invalid_argument, whose message has
/// the name and not the value.
Result<> check_header(std::string_view name, std::string_view value);

/// Those of `headers` that can be sent with any request. Errors: invalid_argument.
Result<Headers> custom_headers(const Headers& headers);

} // namespace slipway::engine
