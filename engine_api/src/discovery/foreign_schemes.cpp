#include "discovery/foreign_schemes.hpp"

#include "discovery/text.hpp"

#include <string>

namespace slipway::engine::discovery {

std::optional<Error> foreign_scheme(std::string_view scheme, std::string_view url)
{
    const auto unsupported = [&](const std::string& why, std::string hint) {
        Error error(Errc::unsupported, "engine address " + quote_url(url) + ": " + why);
        error.hint = std::move(hint);
        return error;
    };
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
