#pragma once

#include <slipway/engine/endpoint.hpp>
#include <slipway/engine/transport.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace slipway::engine {

/// One finished call, for a log. The query and the headers stay out: they may hold secrets.
struct CallTrace {
    std::string method;
    std::string route;
    int status = 0; ///< 0 when there was no answer
    std::chrono::microseconds took{};
};

struct ClientOptions {
    std::chrono::milliseconds connect_deadline{10'000}; ///< socket, DNS and TLS handshake together
    /// For a call whose answer comes whole, counted anew with every piece of a streamed body that
    /// the engine takes; streams have none unless their request says so.
    std::chrono::milliseconds call_deadline{300'000};
    /// Speak this version, from oldest_api to newest_api, and do not negotiate
    /// (DOCKER_API_VERSION).
    std::optional<ApiVersion> api;
    std::function<void(const CallTrace&)> on_call; ///< called when a call has ended, or streams
};

/// A connection to one engine, negotiated and ready. Copies share it.
///
/// Thread safety: one thread, or one strand, at a time; the executor given to `connect` runs
/// everything. Lifetime: the resource classes (Containers, Images, ...) borrow the transport and
/// are valid as long as a Client that shares it. Clients and streams go before the io_context of
/// the executor; only what waits inside it when it is destroyed may go with it.
class Client {
public:
    Client() = default;

    /// Connects, asks `/_ping` and picks min(newest_api, the engine's) as the API version.
    ///
    /// Errors: unreachable (nobody there, or the TLS handshake failed), permission_denied (the
    ///   socket's mode), timed_out, unsupported (the engine is older than `oldest_api`), protocol
    ///   (something else answers there), invalid_argument (ClientOptions::api is out of range).
    /// API: HEAD /_ping, and GET where HEAD is refused. Source: engine API 1.41 to 1.55.
    static Task<Client>
    connect(boost::asio::any_io_executor executor, Endpoint endpoint, ClientOptions options);
    static Task<Client> connect(boost::asio::any_io_executor executor, Endpoint endpoint);

    Transport& transport() const noexcept { return *transport_; }
    const Traits& traits() const noexcept { return transport_->traits(); }
    const Endpoint& endpoint() const noexcept { return endpoint_; }

private:
    std::shared_ptr<Transport> transport_;
    Endpoint endpoint_;
};

} // namespace slipway::engine
