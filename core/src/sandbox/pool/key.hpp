#pragma once

#include <slipway/core/lease.hpp>
#include <slipway/engine/endpoint.hpp>

#include <string>

namespace slipway::core::pool {

/// Hexadecimal digits that differ where the engine does.
std::string key(const engine::Endpoint& endpoint);
/// KEY-DIGITS: the engine's, and what differs when anything does that two sandboxes of an engine
/// could differ in: the spec (whose image is an id by then) and the agent.
std::string key(const engine::Endpoint& endpoint, const SandboxSpec& spec);

} // namespace slipway::core::pool
