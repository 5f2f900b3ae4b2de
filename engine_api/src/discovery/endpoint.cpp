#include "discovery/foreign_schemes.hpp"
#include "discovery/text.hpp"

#include <slipway/engine/endpoint.hpp>

#include <sys/un.h>

#include <algorithm>
#include <charconv>

namespace slipway::engine {
namespace {

constexpr std::size_t max_socket_path = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::uint16_t plain_port = 2375;
constexpr std::uint16_t tls_port = 2376;
constexpr std::string_view forms_hint =
    "write unix:///path/to/docker.sock, tcp://host:2375, https://host:2376 or ssh://user@host";

tl::unexpected<Error> malformed(std::string_view url, const std::string& why)
{
    Error error(
        Errc::invalid_argument, "malformed engine address " + discovery::quote_url(url) + ": " + why
    );
    error.hint = forms_hint;
    return fail(std::move(error));
}

Result<Endpoint> parse_socket(std::string_view url, std::string_view rest)
{
    Endpoint endpoint;
    if (rest.empty() || rest == "/" || rest == "@") return malformed(url, "it names no socket");
    if (rest.ends_with('/')) return malformed(url, "a socket's path does not end in '/'");
    if (rest.starts_with('@')) {
        endpoint.socket_path = '\0' + std::string(rest.substr(1));
    } else if (rest.starts_with('~')) {
        return malformed(url, "'~' means something to a shell only; write the whole path");
    } else if (!rest.starts_with('/')) {
        return malformed(
            url, "the path of a socket must be absolute: three slashes, as in unix:///run"
        );
    } else {
        endpoint.socket_path = rest;
    }
    if (endpoint.socket_path.size() > max_socket_path) {
        Error error(
            Errc::invalid_argument,
            "the socket path in " + discovery::quote_url(url) + " has "
                + std::to_string(endpoint.socket_path.size())
                + " bytes; the operating system takes " + std::to_string(max_socket_path)
                + " at most"
        );
        error.hint = "make a short symbolic link to its directory and name the socket through it";
        return fail(std::move(error));
    }
    return endpoint;
}

Result<std::uint16_t> parse_port(std::string_view url, std::string_view text)
{
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0 || port > 65535) {
        return malformed(url, "the port is not a number from 1 to 65535");
    }
    return static_cast<std::uint16_t>(port);
}

bool is_host_character(char c)
{
    return discovery::is_alphanumeric(c) || c == '-' || c == '.' || c == '_';
}
bool is_ipv6_character(char c) // with a zone, as in fe80::1%eth0
{
    return is_host_character(c) || c == ':' || c == '%';
}

// Splits "host:port" into its parts; the port stays empty when there is none.
struct Authority {
    std::string_view host;
    std::string_view port;
    bool has_port = false;
};
Result<Authority> split_authority(std::string_view url, std::string_view text)
{
    Authority out;
    std::string_view after = text;
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) return malformed(url, "'[' has no ']'");
        out.host = text.substr(1, close - 1);
        after = text.substr(close + 1);
        if (out.host.find(':') == std::string_view::npos || out.host.starts_with('-')
            || !std::all_of(out.host.begin(), out.host.end(), is_ipv6_character)) {
            return malformed(url, "there is no IPv6 address in the brackets");
        }
    } else {
        const auto colon = text.find(':');
        out.host = text.substr(0, colon);
        after = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
        if (after.find(':', 1) != std::string_view::npos) {
            return malformed(url, "more than one ':'; an IPv6 address stands in brackets");
        }
        if (!std::all_of(out.host.begin(), out.host.end(), is_host_character)
            || out.host.starts_with('-')) {
            return malformed(url, "the host has a character that no host name has");
        }
    }
    if (!after.empty()) {
        if (!after.starts_with(':')) return malformed(url, "only a port may follow ']'");
        out.port = after.substr(1);
        out.has_port = true;
    }
    return out;
}

Result<Endpoint>
parse_tcp(std::string_view url, std::string_view rest, std::optional<TlsSettings> tls)
{
    if (rest.find('@') != std::string_view::npos) {
        return malformed(url, "an engine takes no user or password in its address");
    }
    if (rest.find_first_of("?#") != std::string_view::npos) {
        return malformed(url, "an engine's address has no '?' or '#'");
    }
    if (rest.empty()) return malformed(url, "it names no host");
    const auto slash = rest.find('/');
    TRY(const Authority authority, split_authority(url, rest.substr(0, slash)));
    if (authority.host.empty() && !authority.has_port) return malformed(url, "it names no host");

    Endpoint endpoint;
    endpoint.scheme = Endpoint::Scheme::tcp;
    endpoint.host = authority.host.empty() ? "localhost" : authority.host;
    endpoint.port = tls ? tls_port : plain_port;
    endpoint.tls = std::move(tls);
    if (authority.has_port) {
        TRY(endpoint.port, parse_port(url, authority.port));
    }
    if (slash != std::string_view::npos) {
        endpoint.base_path = rest.substr(slash);
        while (endpoint.base_path.ends_with('/')) {
            endpoint.base_path.pop_back();
        }
    }
    return endpoint;
}

// Characters that a shell or ssh's own expansions read as theirs, where a configuration of ssh
// hands the user or the path on.
bool is_plain_for_ssh(std::string_view text)
{
    return text.find_first_of("'`\"$;&<>|(){}\\%:*?") == std::string_view::npos;
}

Result<Endpoint> parse_ssh(std::string_view url, std::string_view rest)
{
    if (rest.find_first_of("?#") != std::string_view::npos) {
        return malformed(url, "an engine's address has no '?' or '#'");
    }
    const auto slash = std::min(rest.find('/'), rest.size());
    std::string_view where = rest.substr(0, slash);
    const std::string_view path = rest.substr(slash);
    Endpoint endpoint;
    endpoint.scheme = Endpoint::Scheme::ssh;
    if (const auto at = where.rfind('@'); at != std::string_view::npos) {
        endpoint.ssh.user = where.substr(0, at);
        where.remove_prefix(at + 1);
        if (endpoint.ssh.user.find(':') != std::string::npos) {
            return malformed(url, "ssh takes no password in an address; it logs in with a key");
        }
        if (endpoint.ssh.user.empty() || endpoint.ssh.user.starts_with('-')
            || !is_plain_for_ssh(endpoint.ssh.user)) {
            return malformed(url, "there is no name of a user before '@'");
        }
    }
    TRY(const Authority authority, split_authority(url, where));
    if (authority.host.empty()) return malformed(url, "it names no host");
    endpoint.host = authority.host;
    if (authority.has_port) {
        TRY(endpoint.port, parse_port(url, authority.port));
    }
    if (path.size() <= 1) return endpoint;
    if (path.ends_with('/')) return malformed(url, "a socket's path does not end in '/'");
    if (!is_plain_for_ssh(path)) {
        return malformed(url, "the path has a character that ssh would not take as it is");
    }
    if (path.size() > max_socket_path) return malformed(url, "no socket has so long a path");
    endpoint.socket_path = path;
    return endpoint;
}

std::string ssh_url(const Endpoint& endpoint)
{
    const bool ipv6 = endpoint.host.find(':') != std::string::npos;
    return "ssh://" + (endpoint.ssh.user.empty() ? "" : endpoint.ssh.user + '@')
           + (ipv6 ? '[' + endpoint.host + ']' : endpoint.host)
           + (endpoint.port == 0 ? "" : ':' + std::to_string(endpoint.port)) + endpoint.socket_path;
}

} // namespace

Result<Endpoint> parse_endpoint(std::string_view url, std::optional<TlsSettings> tls)
{
    url = discovery::trim(url);
    if (url.empty()) return malformed(url, "it is empty");
    if (std::any_of(url.begin(), url.end(), discovery::is_control_or_space)) {
        return malformed(url, "it has a space or a control character");
    }
    const auto colons = url.find("://");
    if (colons == std::string_view::npos) {
        // The docker command takes "host:port" for TCP, so DOCKER_HOST holds such values.
        if (url.find('/') == std::string_view::npos && url.find(':') != std::string_view::npos) {
            return parse_tcp(url, url, std::move(tls));
        }
        return malformed(url, "it has no scheme");
    }
    const std::string scheme = discovery::to_lower(url.substr(0, colons));
    const std::string_view rest = url.substr(colons + 3);
    if (scheme == "unix") return parse_socket(url, rest);
    if (scheme == "tcp" || scheme == "http") return parse_tcp(url, rest, std::move(tls));
    if (scheme == "ssh") return parse_ssh(url, rest);
    if (scheme == "https") return parse_tcp(url, rest, tls ? std::move(tls) : TlsSettings{});
    if (auto foreign = discovery::foreign_scheme(scheme, url)) {
        return fail(*std::move(foreign));
    }
    return malformed(url, "its scheme is unknown");
}

std::string to_string(const Endpoint& endpoint)
{
    if (endpoint.scheme == Endpoint::Scheme::unix_socket) {
        const bool abstract = endpoint.socket_path.starts_with('\0');
        return "unix://" + (abstract ? '@' + endpoint.socket_path.substr(1) : endpoint.socket_path);
    }
    if (endpoint.scheme == Endpoint::Scheme::ssh) return ssh_url(endpoint);
    const bool ipv6 = endpoint.host.find(':') != std::string::npos;
    return (endpoint.tls ? "https://" : "tcp://")
           + (ipv6 ? '[' + endpoint.host + ']' : endpoint.host) + ':'
           + std::to_string(endpoint.port) + endpoint.base_path;
}

} // namespace slipway::engine
