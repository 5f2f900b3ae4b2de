#pragma once

#include <slipway/engine/endpoint.hpp>

#include <string>

namespace slipway::engine {

/// What the header Host says of a TCP endpoint. Servers that sign or choose by it want no port that
/// goes without saying.
inline std::string host_field(const Endpoint& endpoint, bool any_server)
{
    constexpr int http = 80;
    constexpr int https = 443;
    const bool ipv6 = endpoint.host.find(':') != std::string::npos;
    std::string host = ipv6 ? "[" + endpoint.host + "]" : endpoint.host;
    if (any_server && endpoint.port == (endpoint.tls ? https : http)) return host;
    return host + ":" + std::to_string(endpoint.port);
}

} // namespace slipway::engine
