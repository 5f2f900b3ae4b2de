#pragma once

#include <slipway/engine/transport.hpp>

#include <string_view>

namespace slipway::engine {

/// Makes an Error of an answer with a status >= 400. `route` is the path with its version and
/// without its query. The text is the engine's own, from JSON or plain, cut at 1 MiB and made one
/// line; without one it is "HTTP 400 from POST /v1.41/build".
Error error_from(
    const Response& reply, std::string_view method, std::string_view route, EngineKind kind
);

} // namespace slipway::engine
