#pragma once

#include <slipway/engine/endpoint.hpp>
#include <slipway/engine/transport.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace slipway::engine {

class SshTunnel;

/// One finished call, for a log. The query and the headers stay out: they may hold secrets.
struct CallTrace {
    std::string method;
    std::string route;
    int status = 0; ///< 0 when there was no answer
    std::chrono::microseconds took{};
};

struct ClientOptions {
    /// Socket, DNS and TLS handshake together. An engine that is connected to has as long for its
    /// first answer.
    std::chrono::milliseconds connect_deadline{10'000};
    /// For calls whose answer comes whole. The total leaves out those with a streamed body, which
    /// take as long as they take. Calls in which the engine works long bring their own (prune).
    Deadlines call_deadlines{
        std::chrono::minutes(5), std::chrono::minutes(1), std::chrono::minutes(10)};
    /// For streams: none, since logs, events, wait and a build can be silent for hours. Calls whose
    /// answer is due at once (attach, exec, archive) bring a header deadline of their own, which
    /// leaves the other two, and a shorter one, as they are here.
    Deadlines stream_deadlines{};
    /// Connections at a time; 0: half of the descriptors that the process may open, 1024 at most.
    /// Calls beyond that wait while others come free, and are timed_out when none does within the
    /// connect deadline. Streams may use three quarters, so that calls can always be made.
    std::size_t max_connections = 0;
    /// Speak this version, from oldest_api to newest_api, and do not negotiate
    /// (DOCKER_API_VERSION).
    std::optional<ApiVersion> api;
    /// Sent with every request, the ping included: read_http_headers has those of docker's
    /// configuration. Those that a client makes itself are left out: Host, User-Agent, Expect,
    /// Connection and what else rules a connection or a body, and X-Registry-*. No Error shows a
    /// value that has four characters or more.
    Headers headers{};
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
    /// An ssh endpoint starts the system's `ssh` program, which forwards the engine's socket and
    /// ends with the last copy of the Client, or with the process. Where the endpoint names no
    /// socket, /var/run/docker.sock, /run/podman/podman.sock, and docker.sock and
    /// podman/podman.sock in /run/user/UID are asked in turn, the UID being what `id -u` says
    /// there; `endpoint()` then has the one that answered.
    ///
    /// Errors: unreachable (nobody there, or the TLS handshake failed), permission_denied (the
    ///   socket's mode), timed_out, unsupported (the engine is older than `oldest_api`), protocol
    ///   (something else answers there), invalid_argument (ClientOptions::api is out of range, or
    ///   HTTP allows no such header), not_found (ssh is not installed, or its key is not there).
    /// API: HEAD /_ping, and GET where HEAD is refused. Source: engine API 1.41 to 1.55.
    static Task<Client>
    connect(boost::asio::any_io_executor executor, Endpoint endpoint, ClientOptions options);
    static Task<Client> connect(boost::asio::any_io_executor executor, Endpoint endpoint);

    /// Closes the connections that are kept for the next call, six at most. Those that are too old
    /// are closed when a call looks for one; a program that makes no more calls for long, and
    /// stays, should ask for it here, as a timer of ours would keep its io_context from ending.
    void close_idle() const noexcept
    {
        if (transport_) transport_->close_idle();
    }

    Transport& transport() const noexcept { return *transport_; }
    const Traits& traits() const noexcept { return transport_->traits(); }
    const Endpoint& endpoint() const noexcept { return endpoint_; }

private:
    static Task<Client>
    connect_by_ssh(boost::asio::any_io_executor executor, Endpoint endpoint, ClientOptions options);
    static Task<Client> connect_through(
        boost::asio::any_io_executor executor,
        Endpoint endpoint,
        ClientOptions options,
        std::shared_ptr<SshTunnel> tunnel
    );

    std::shared_ptr<Transport> transport_;
    Endpoint endpoint_;
};

} // namespace slipway::engine
