#pragma once

#include <slipway/engine/discovery.hpp>
#include <slipway/engine/endpoint.hpp>
#include <slipway/engine/result.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

// The proxies that docker's config.json has for containers. No engine reads them: its client puts
// them into the environment of containers and into build arguments.
namespace slipway::engine {

/// One entry; empty members say nothing. The values may hold a user and a password.
struct ProxySettings {
    std::string http; ///< "http://proxy.example:3128"
    std::string https;
    std::string ftp;
    std::string all;
    std::string none; ///< where to use none: "localhost,.example"
};

/// By the URL of an engine, or under "default" for every other engine.
using Proxies = std::map<std::string, ProxySettings>;

/// `proxies` of config.json in DOCKER_CONFIG, else in ~/.docker; nothing when there is no file.
/// Errors: invalid_argument (the message names the file and the place in it), permission_denied,
/// io.
Result<Proxies> read_proxies(const Environment& environment);

/// The variables for containers of the engine at `endpoint`: HTTP_PROXY and http_proxy, and so on
/// with HTTPS, FTP, ALL and NO. A URL without a port stands for the port that parse_endpoint takes,
/// one of ssh without a path for every socket on its host.
std::map<std::string, std::string>
proxy_variables(const Proxies& proxies, const Endpoint& endpoint);

/// Adds `variables` to the "NAME=value" of a container. One that is there in upper or lower case,
/// be it empty, keeps both from being added. (docker adds the other case, which some programs
/// prefer.)
void add_proxies(
    std::vector<std::string>& env, const std::map<std::string, std::string>& variables
);
/// The same for BuildSpec::build_args; engines know these names without an ARG.
void add_proxies(
    std::map<std::string, std::optional<std::string>>& build_args,
    const std::map<std::string, std::string>& variables
);

} // namespace slipway::engine
