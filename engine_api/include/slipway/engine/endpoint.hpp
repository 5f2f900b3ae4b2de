#pragma once

#include <slipway/engine/result.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::engine {

/// How a TCP connection is secured. TLS 1.2 is the least that is spoken.
struct TlsSettings {
    std::filesystem::path ca;   ///< PEM; empty = the system's authorities
    std::filesystem::path cert; ///< PEM, our certificate; empty = none is shown
    std::filesystem::path key;  ///< PEM, the key of `cert`; set when and only when `cert` is
    bool verify = true;         ///< false only when the user wrote it (SkipTLSVerify of a context)
    std::string server_name;    ///< SNI and the name to check; empty = the endpoint's host

    friend bool operator==(const TlsSettings&, const TlsSettings&) = default;
};

/// How the `ssh` program logs in. What is empty it finds by its own configuration.
struct SshSettings {
    std::string user;
    std::filesystem::path identity; ///< a private key; then no other is offered

    friend bool operator==(const SshSettings&, const SshSettings&) = default;
};

/// Where an engine listens.
struct Endpoint {
    enum class Scheme { unix_socket, tcp, ssh };

    Scheme scheme = Scheme::unix_socket;
    /// Absolute path, 107 bytes at most (103 on macOS). An abstract socket (Linux, `unix://@name`)
    /// starts with a '\0' byte, as the operating system wants it. Empty for tcp. For ssh it is a
    /// path on the host; when it is empty, Client::connect tries the usual ones.
    std::string socket_path;
    std::string host;               ///< name or address, IPv6 without brackets; empty for a socket
    std::uint16_t port = 0;         ///< 0 for a socket, and for ssh's own choice
    std::string base_path;          ///< put before every request path: "" or "/base", no final '/'
    std::optional<TlsSettings> tls; ///< TLS when set; only for tcp
    SshSettings ssh;                ///< only for ssh

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// Reads a URL as `--host` and DOCKER_HOST take it.
///
///   unix:///path (absolute), unix://@abstract
///   tcp://host[:port][/base], http://..., https://..., host:port
///   ssh://[user@]host[:port][/path/to/socket]
///
/// IPv6 addresses stand in brackets. An empty host before a port is localhost. The port is 2375,
/// with TLS 2376. `https` turns TLS on with the system's authorities. `tls` turns it on for the
/// other TCP forms too and says how; a socket and ssh have no use for it. `host` of ssh may be an
/// alias of ~/.ssh/config, which decides on all that the URL leaves out.
///
/// Errors: invalid_argument (malformed; path of a socket too long; a password in an address),
///   unsupported (npipe, fd: the hint gives the way out).
Result<Endpoint> parse_endpoint(std::string_view url, std::optional<TlsSettings> tls = {});

/// The URL of `endpoint`, which parse_endpoint reads back: unix://..., tcp://host:port/base,
/// https://host:port/base with TLS, or ssh://... The files of TlsSettings and SshSettings are not
/// part of it.
std::string to_string(const Endpoint& endpoint);

} // namespace slipway::engine
