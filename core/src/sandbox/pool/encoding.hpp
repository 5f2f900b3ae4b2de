#pragma once

#include "agent/messages.hpp"

#include <slipway/core/road.hpp>
#include <slipway/engine/endpoint.hpp>

namespace slipway::core::pool {

/// How files travel on a road: compressed to and from another machine. What leads to this one is
/// faster than compressing is.
agent::Encoding encoding_on(Road road, const engine::Endpoint& endpoint);

} // namespace slipway::core::pool
