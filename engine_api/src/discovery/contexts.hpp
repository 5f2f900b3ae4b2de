#pragma once

#include <slipway/engine/discovery.hpp>

#include <filesystem>
#include <string>
#include <string_view>

// The contexts of the docker command, as it keeps them on disk.
namespace slipway::engine::discovery {

/// DOCKER_CONFIG, else ~/.docker; empty when there is neither.
std::filesystem::path docker_config_directory(const Environment& environment);

/// currentContext of config.json; empty when there is none.
/// Errors: invalid_argument, permission_denied, io.
Result<std::string> current_context(const Environment& environment);

/// The endpoint of a named context.
/// Errors: not_found (the message lists the contexts there are), invalid_argument (name or file),
///   unsupported (its host has a scheme that is not spoken), permission_denied, io.
Result<Endpoint> context_endpoint(const Environment& environment, const std::string& name);

} // namespace slipway::engine::discovery
