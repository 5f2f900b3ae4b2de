#include "fuzz.hpp"

#include <slipway/engine/endpoint.hpp>

#include <sys/un.h>

// Addresses of engines, as DOCKER_HOST and --host take them.

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::fuzz;

namespace {

/// They become words of a command line.
void check_ssh(const Endpoint& endpoint)
{
    require(!endpoint.host.empty() && !endpoint.tls, "ssh without a host, or with TLS");
    require(!endpoint.host.starts_with('-'), "a host that ssh takes for an option");
    require(!endpoint.ssh.user.starts_with('-'), "a user that ssh takes for an option");
    const std::string& path = endpoint.socket_path;
    require(path.empty() || path.front() == '/', "a relative path");
    for (const char c : endpoint.host + endpoint.ssh.user + path) {
        require(static_cast<unsigned char>(c) > ' ' && c != 0x7F, "a control character for ssh");
        require(
            std::string_view("$`;&|<>(){}'\"\\").find(c) == std::string_view::npos,
            "a character that a shell reads as its own"
        );
    }
}

void check_parts(const Endpoint& endpoint)
{
    if (endpoint.scheme == Endpoint::Scheme::ssh) {
        check_ssh(endpoint);
        return;
    }
    if (endpoint.scheme == Endpoint::Scheme::unix_socket) {
        require(endpoint.host.empty() && endpoint.port == 0, "a socket with a host");
        require(!endpoint.tls, "a socket with TLS");
        require(endpoint.socket_path.size() > 1, "a socket without a path");
        require(endpoint.socket_path.size() < sizeof(sockaddr_un::sun_path), "a path too long");
        require(
            endpoint.socket_path.front() == '/' || endpoint.socket_path.front() == '\0',
            "a relative path"
        );
        require(endpoint.socket_path.find('\0', 1) == std::string::npos, "a path with a NUL");
        return;
    }
    require(endpoint.socket_path.empty(), "TCP with a socket");
    require(!endpoint.host.empty() && endpoint.port != 0, "TCP without host or port");
    for (const char c : endpoint.host + endpoint.base_path) {
        require(
            static_cast<unsigned char>(c) > ' ' && c != 0x7F, "a line break gets into a header"
        );
    }
    require(endpoint.base_path.empty() || endpoint.base_path.front() == '/', "a relative base");
    require(!endpoint.base_path.ends_with('/'), "a base with a '/' at its end");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    std::string_view url = text_of(data, size);
    const bool with_tls = take_choice(url, 4) == 3;
    std::optional<TlsSettings> tls;
    if (with_tls) tls.emplace().ca = "/ca.pem";
    const auto endpoint = parse_endpoint(url, tls);
    if (!endpoint) {
        check_error(endpoint.error());
        require(!endpoint.error().hint.empty(), "a refusal without a hint");
        return 0;
    }
    check_parts(*endpoint);
    const auto again = parse_endpoint(to_string(*endpoint), endpoint->tls);
    require(again.has_value(), "the URL of an endpoint is refused");
    require(*again == *endpoint, "the URL of an endpoint reads differently");
    return 0;
}
