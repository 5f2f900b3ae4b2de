#pragma once

#include <span>
#include <string_view>

namespace slipway::agent {

/// A static program that this build made and carries: core/agent.
struct EmbeddedAgent {
    std::string_view architecture; ///< as engines say it: "amd64", "arm64"
    std::string_view bytes;
    std::string_view sha256; ///< of the bytes, 64 lower-case hex digits
};

/// None where the static libraries that the agent needs were missing.
std::span<const EmbeddedAgent> embedded_agents() noexcept;

} // namespace slipway::agent
