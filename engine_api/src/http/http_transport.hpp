#pragma once

#include "http/connection.hpp"
#include "http/connection_limit.hpp"
#include "http/streams.hpp"

#include <slipway/engine/client.hpp>
#include <slipway/engine/endpoint.hpp>
#include <slipway/engine/transport.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace slipway::engine {

/// The Transport over unix sockets, TCP and TLS. Used from one thread (or strand) at a time.
class HttpTransport final : public Transport {
public:
    /// Opens a connection to the endpoint; tests have their own.
    using Connector = std::function<Task<std::unique_ptr<NetStream>>()>;

    /// An ssh endpoint that names a socket gets a tunnel of its own unless one is given. The
    /// headers of the options have gone through custom_headers.
    HttpTransport(
        boost::asio::any_io_executor executor,
        Endpoint endpoint,
        ClientOptions options,
        std::shared_ptr<SshTunnel> tunnel = nullptr,
        Connector connector = nullptr
    );

    Task<Response> send(Request request) override;
    Task<std::unique_ptr<ResponseStream>> open(Request request) override;
    Task<std::unique_ptr<DuplexStream>> upgrade(Request request) override;
    void close_idle() noexcept override { idle_.clear(); }
    const Traits& traits() const noexcept override { return traits_; }
    boost::asio::any_io_executor executor() override { return executor_; }
    std::vector<std::string> secrets() const override;

    /// Called once, when `/_ping` has told who is there.
    void use(Traits traits) { traits_ = std::move(traits); }

    /// The other side is no engine but any server: a redirect is an answer like others, and as many
    /// connections wait for a next call as there may be.
    void use_any_server() { any_server_ = true; }

private:
    struct Idle {
        std::unique_ptr<Connection> connection;
        std::chrono::steady_clock::time_point since;
    };

    Task<std::unique_ptr<Connection>> connect_new(Use use, Watchdog& watchdog);
    std::unique_ptr<Connection> take_idle();
    void park(std::unique_ptr<Connection> connection);
    Task<Response> exchange(
        Connection& connection,
        const Request& request,
        const std::string& head,
        const Deadlines& deadlines,
        Watchdog& watchdog
    );
    Task<std::shared_ptr<Exchange>> start(Request request, bool upgrade);
    Task<Error> refusal(Exchange& exchange, const Request& request);
    Deadlines deadlines_of_call(const Request& request) const;
    std::string route(const Request& request) const;
    Result<std::string> head_of(const Request& request, bool upgrade) const;
    void trace(const Request& request, int status, std::chrono::steady_clock::time_point since);

    boost::asio::any_io_executor executor_;
    Endpoint endpoint_;
    ClientOptions options_;
    std::shared_ptr<SshTunnel> tunnel_;
    Connector connector_;
    ConnectionLimit limit_;
    Traits traits_;
    bool any_server_ = false;
    std::vector<Idle> idle_;
};

} // namespace slipway::engine
