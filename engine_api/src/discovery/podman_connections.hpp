#pragma once

#include <slipway/engine/discovery.hpp>

#include <optional>
#include <string>

// The connections that `podman system connection` keeps in podman-connections.json.
namespace slipway::engine::discovery {

/// The connection that the user named in CONTAINER_CONNECTION.
/// Errors: not_found (the message lists those there are), invalid_argument, unsupported,
///   permission_denied, io.
Result<Candidate> named_connection(const Environment& environment, const std::string& name);

/// Podman's default connection, when it has one. It is no explicit choice: podman itself heeds it
/// only when it is told to work remotely. The SSH connection of a podman machine is left out,
/// since the machine's own socket stands among the default sockets; any other connection that
/// cannot be used is a candidate that says so.
/// Errors: not_found (the file names a default that is not in it), invalid_argument,
///   permission_denied, io.
Result<std::optional<Candidate>> default_connection(const Environment& environment);

} // namespace slipway::engine::discovery
