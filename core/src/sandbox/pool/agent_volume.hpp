#pragma once

#include "agent/embedded.hpp"

#include <slipway/engine/client.hpp>
#include <slipway/engine/result.hpp>

#include <filesystem>
#include <string>

namespace slipway::core::pool {

inline constexpr std::string_view agent_purpose = "agent";

/// The agent for containers of that architecture, as engines name it; none in this build.
const agent::EmbeddedAgent* agent_for(std::string_view architecture);

/// The name of the volume that holds the agent, filled when it is not there. `image` is one that
/// the engine has; a container of it is made for the time and never started. `base` remembers it.
///
/// Errors: unsupported (no agent for the architecture), engine, unreachable, ...
Task<std::string> agent_volume(
    engine::Client client, std::filesystem::path base, std::string image, std::string architecture
);

/// Sandboxes of this build want the volume of that name; others are of another version.
bool has_this_agent(const std::string& volume);

/// What is remembered is wrong: the volume has been removed.
void forget_agent_volume(const std::filesystem::path& base, const engine::Client& client);

} // namespace slipway::core::pool
