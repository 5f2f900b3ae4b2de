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

/// What follows the engine's digits: in the keys above "-", of others what they are for.
inline constexpr const char* pooled_mark = "-";
inline constexpr const char* fresh_mark = "+fresh";
inline constexpr const char* named_mark = "+named";

/// Differs when anything of the spec does.
std::string spec_mark(const SandboxSpec& spec);
/// The name of its volume, with an image of that id.
std::string volume_of(const KeptDirectory& kept, const std::string& image);
/// Few hexadecimal digits that stand for a text.
std::string digits_of(const std::string& text);

} // namespace slipway::core::pool
