#pragma once

#include "unit/transport/support.hpp"

#include <string>

namespace slipway::test {

// What engines say to a ping.

inline const std::string docker_20 =
    "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nDocker-Experimental: false\r\nOstype: linux\r\n"
    "Server: Docker/20.10.24+dfsg1 (linux)\r\nContent-Length: 0\r\n\r\n";
inline const std::string docker_28 =
    "HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nBuilder-Version: 2\r\nDocker-Experimental: false\r\n"
    "Ostype: linux\r\nServer: Docker/28.5.2 (linux)\r\nSwarm: inactive\r\nContent-Length: "
    "0\r\n\r\n";
inline const std::string podman_4 =
    "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nBuilder-Version: \r\nDocker-Experimental: true\r\n"
    "Libpod-API-Version: 4.3.1\r\nLibpod-Buildah-Version: 1.28.2\r\nServer: Libpod/4.3.1 "
    "(linux)\r\n"
    "Content-Length: 0\r\n\r\n";
inline const std::string podman_5 =
    "HTTP/1.1 200 OK\r\nApi-Version: 1.44\r\nBuilder-Version: 1\r\nDocker-Experimental: true\r\n"
    "Libpod-API-Version: 5.8.6\r\nLibpod-Buildah-Version: 1.41.0\r\nOstype: linux\r\n"
    "Server: Libpod/5.8.6 (linux)\r\nContent-Length: 0\r\n\r\n";

/// One call to what may be no engine at all.
inline Result<Response>
get_from(const engine::Endpoint& endpoint, std::chrono::milliseconds limit = generous)
{
    boost::asio::io_context io;
    auto options = generous_options();
    options.connect_deadline = limit;
    HttpTransport transport(io.get_executor(), endpoint, options);
    return run(io, transport.send(Request("GET", "/x").unversioned()));
}

} // namespace slipway::test
