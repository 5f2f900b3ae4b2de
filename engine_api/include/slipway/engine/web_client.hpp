#pragma once

#include <slipway/engine/endpoint.hpp>
#include <slipway/engine/transport.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace slipway::engine {

struct WebOptions {
    std::chrono::milliseconds connect_deadline{10'000}; ///< look-up, TCP and TLS together
    Deadlines deadlines{};                              ///< of requests that have none
    std::size_t max_connections = 16; ///< at a time; as many are kept for next calls
};

/// Calls to a web server that is no engine: nothing is asked of it first, and no version stands in
/// its paths. Connections are kept and used again.
///
/// Copies share it. Thread safety and lifetime: as those of Client.
class WebClient {
public:
    /// `server` has the scheme tcp, a host and a port; TLS when it has TlsSettings.
    WebClient(boost::asio::any_io_executor executor, Endpoint server, WebOptions options);

    /// One request, one answer in memory, of any status: redirects are not followed. Its path
    /// follows the server's base path, and the header Host names the server, with the port only
    /// where it is not that of HTTP or HTTPS.
    ///
    /// Errors: as of Transport::send. None shows a Request::secret.
    Task<Response> send(Request request) const;

    /// What the header Host says.
    static std::string host(const Endpoint& server);

private:
    std::shared_ptr<Transport> transport_;
};

/// Adds `Authorization: Basic`. Neither the password nor what it becomes is shown by an Error.
void add_basic_auth(Request& request, std::string_view user, std::string_view password);

} // namespace slipway::engine
