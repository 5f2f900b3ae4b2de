#pragma once

#include <slipway/engine/discovery.hpp>

#include <string>
#include <vector>

namespace slipway::engine::discovery {

/// The sockets that engines make when nobody tells them otherwise, in the order in which they are
/// tried; each with how its engine is started. Whether they exist is not looked at, but the
/// profiles of colima, the instances of lima and podman's machines are found on disk.
std::vector<Candidate> default_sockets(const Environment& environment);

/// The same file gives the same key, whatever symbolic links lead to it; other endpoints give
/// their URL.
std::string identity(const Endpoint& endpoint);

/// How the engine at `endpoint` is started, when it is one of the default sockets; else empty.
std::string start_hint(const Environment& environment, const Endpoint& endpoint);

} // namespace slipway::engine::discovery
