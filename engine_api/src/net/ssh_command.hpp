#pragma once

#include <slipway/engine/result.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

// What is said to the `ssh` program and what it says; no I/O.
namespace slipway::engine {

struct Endpoint;

/// A Unix socket here that leads to one on the host.
struct SshForward {
    std::string local;
    std::string remote;
};

/// The arguments with which ssh does nothing but forward, until it is ended. It never asks: not for
/// a password, nor whether it may trust a host key.
std::vector<std::string> forwarding_arguments(
    const Endpoint& endpoint,
    const std::vector<SshForward>& forwards,
    std::chrono::milliseconds connect_limit
);

/// The arguments with which ssh runs one command on the host.
std::vector<std::string> command_arguments(
    const Endpoint& endpoint, std::string_view command, std::chrono::milliseconds connect_limit
);

/// ssh has ended; `said` is what it left on stderr.
Error login_error(const Endpoint& endpoint, std::string_view said);

/// Whether ssh says in `said` that the host gave it no connection to the socket.
bool refuses_socket(std::string_view said);
/// Whether it says that the host forbids forwarding as a whole.
bool forbids_forwarding(std::string_view said);
/// The error for either.
Error socket_error(const Endpoint& endpoint, std::string_view socket, std::string_view said);

} // namespace slipway::engine
