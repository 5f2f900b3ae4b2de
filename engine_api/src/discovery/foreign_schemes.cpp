#include "discovery/foreign_schemes.hpp"

#include "discovery/text.hpp"

#include <algorithm>
#include <string>

namespace slipway::engine::discovery {
namespace {

// The parts of ssh://[user[:password]@]host[:port][/remote.sock]. A password is never repeated.
struct SshTarget {
    std::string user_and_host;
    std::string port;
    std::string socket = "/var/run/docker.sock";
};
SshTarget split_ssh(std::string_view rest)
{
    SshTarget out;
    const auto slash = rest.find('/');
    std::string_view authority = rest.substr(0, slash);
    if (slash != std::string_view::npos && rest.size() > slash + 1) {
        out.socket = rest.substr(slash);
    }
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        const std::string_view user = authority.substr(0, authority.find(':'));
        out.user_and_host = std::string(user.substr(0, at)) + '@';
        authority.remove_prefix(at + 1);
    }
    std::string_view host = authority;
    std::string_view after;
    if (authority.starts_with('[')) { // ssh wants an IPv6 address without its brackets
        const auto close = std::min(authority.find(']'), authority.size() - 1);
        host = authority.substr(1, close - 1);
        after = authority.substr(close + 1);
    } else if (const auto colon = authority.find(':'); colon != std::string_view::npos) {
        host = authority.substr(0, colon);
        after = authority.substr(colon);
    }
    out.user_and_host += host;
    if (after.size() > 1) out.port = after.substr(1);
    return out;
}

std::string ssh_hint(std::string_view rest)
{
    const SshTarget target = split_ssh(rest);
    std::string command = "ssh -N -L " + shell_quote("/tmp/engine.sock:" + target.socket);
    if (!target.port.empty()) command += " -p " + shell_quote(target.port);
    // What follows "--" is never taken for an option, whatever the URL holds.
    command += target.user_and_host.starts_with('-') ? " -- " : " ";
    command += shell_quote(target.user_and_host);
    return "forward the engine's socket with `" + command
           + "`, then use --host unix:///tmp/engine.sock";
}

} // namespace

std::optional<Error>
foreign_scheme(std::string_view scheme, std::string_view url, std::string_view rest)
{
    const auto unsupported = [&](const std::string& why, std::string hint) {
        Error error(Errc::unsupported, "engine address " + quote_url(url) + ": " + why);
        error.hint = std::move(hint);
        return error;
    };
    if (scheme == "ssh") return unsupported("ssh is not spoken", ssh_hint(rest));
    if (scheme == "npipe") {
        return unsupported(
            "named pipes exist on Windows only",
            "run inside WSL with the engine's integration on, or let the engine listen on "
            "tcp://127.0.0.1:2375 and name that with --host"
        );
    }
    if (scheme == "fd") {
        return unsupported(
            "fd:// is how an engine is handed its socket, not where it can be reached",
            "name the socket itself, such as --host unix:///var/run/docker.sock"
        );
    }
    return {};
}

} // namespace slipway::engine::discovery
