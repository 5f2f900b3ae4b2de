#pragma once

#include <slipway/engine/auth.hpp>
#include <slipway/engine/discovery.hpp>
#include <slipway/engine/result.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::engine::credentials {

/// Asks the program docker-credential-NAME in PATH for the credentials of `server`; nothing when it
/// has none.
///
/// Errors: invalid_argument (a name that leads out of PATH), not_found (no such program),
///   permission_denied (it cannot be executed), timed_out, protocol (an answer that is none), io
///   (it failed: the message has its own words), cancelled.
Task<std::optional<RegistryAuth>> ask_helper(
    Environment environment,
    std::string name,
    std::string server,
    std::chrono::milliseconds deadline
);

/// Reads what a helper answered with exit code 0.
/// Errors: protocol, without any of the answer.
Result<std::optional<RegistryAuth>> read_answer(std::string_view answer, const std::string& server);

} // namespace slipway::engine::credentials
