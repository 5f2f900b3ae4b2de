#include "net/ssh_tunnel.hpp"
#include "net/stream.hpp"
#include "net/tcp_connect.hpp"
#include "net/tls_context.hpp"
#include "net/unix_connect.hpp"
#include "net/watchdog.hpp"

#include <slipway/engine/child.hpp>
#include <slipway/engine/endpoint.hpp>

#include <system_error>

namespace slipway::engine {

namespace asio = boost::asio;

namespace {

Task<std::unique_ptr<NetStream>> connect_tcp(asio::any_io_executor executor, Endpoint endpoint)
{
    std::unique_ptr<SSL, FreeSsl> ssl;
    if (endpoint.tls) { // files that are of no use are told before anybody is asked
        CO_TRY(ssl, make_tls(*endpoint.tls, endpoint.host));
    }
    CO_TRY(auto peers, co_await resolve(executor, endpoint.host, endpoint.port));
    CO_TRY(auto stream, co_await connect_first(executor, std::move(peers)));
    if (!ssl) {
        co_return std::move(stream);
    }
    co_return co_await start_tls(executor, std::move(stream), std::move(ssl));
}

Task<> open_into(
    std::shared_ptr<std::unique_ptr<NetStream>> out,
    asio::any_io_executor executor,
    Endpoint endpoint,
    std::shared_ptr<SshTunnel> tunnel,
    std::chrono::milliseconds limit
)
{
    using Scheme = Endpoint::Scheme;
    if (endpoint.scheme == Scheme::ssh) {
        CO_TRY(*out, co_await SshTunnel::open(tunnel, executor, endpoint.socket_path, limit));
    } else if (endpoint.scheme == Scheme::unix_socket) {
        CO_TRY(*out, co_await connect_unix(executor, endpoint.socket_path));
    } else {
        CO_TRY(*out, co_await connect_tcp(executor, endpoint));
    }
    co_return ok();
}

} // namespace

Task<std::unique_ptr<NetStream>> connect(
    asio::any_io_executor executor,
    Endpoint endpoint,
    std::shared_ptr<SshTunnel> tunnel,
    std::chrono::milliseconds limit,
    Watchdog& watchdog
)
{
    const auto stream = std::make_shared<std::unique_ptr<NetStream>>();
    Child work(executor, open_into(stream, executor, endpoint, tunnel, limit));
    watchdog.begin(CallPart::connect, limit);
    watchdog.on_expire([&work] { work.cancel(); });
    auto done = co_await work.join();
    watchdog.on_expire(nullptr);
    if (watchdog.expired()) {
        done = fail(watchdog.error());
    }
    if (!done && done.error().hint.empty()
        && done.error().cause == std::errc::too_many_files_open) {
        done.error().hint = "do fewer things at a time, or allow more open files (ulimit -n)";
    }
    CO_CHECK(during(std::move(done), "reaching " + to_string(endpoint)));
    co_return std::move(*stream);
}

} // namespace slipway::engine
