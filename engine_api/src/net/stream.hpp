#pragma once

#include <slipway/engine/bytes.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace slipway::engine {

class SshTunnel;
class Watchdog;
struct Endpoint;
struct TlsSettings;

/// A connected byte stream: unix socket, TCP socket, or TLS over one of them.
///
/// A stream must outlive the operations that run on it: who drops one while a coroutine waits in it
/// keeps it in a shared_ptr, which the coroutine shares.
class NetStream : public DuplexStream {
public:
    /// True when an idle connection was closed by the peer, or has bytes that nobody asked for.
    virtual bool stale() noexcept = 0;

    /// Hands over what can go out this very moment, and tells how much that was: 0 when nothing
    /// can, or it failed, or the stream has no such way. `write` sends the rest, or says why not.
    virtual std::size_t write_now(std::string_view) noexcept { return 0; }
};

/// Opens a connection to the endpoint within `limit`: name look-up, socket, and TLS handshake when
/// the endpoint asks for one. An ssh endpoint goes through the tunnel, the others have none. The
/// watchdog is that of the call and must outlive the task.
Task<std::unique_ptr<NetStream>> connect(
    boost::asio::any_io_executor executor,
    Endpoint endpoint,
    std::shared_ptr<SshTunnel> tunnel,
    std::chrono::milliseconds limit,
    Watchdog& watchdog
);

} // namespace slipway::engine
