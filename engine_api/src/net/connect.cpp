#include "net/asio.hpp"
#include "net/socket_stream.hpp"
#include "net/stream.hpp"
#include "net/tcp_connect.hpp"
#include "net/watchdog.hpp"

#include <slipway/engine/child.hpp>
#include <slipway/engine/endpoint.hpp>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <grp.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>

namespace slipway::engine {

namespace asio = boost::asio;
using Local = asio::local::stream_protocol;

namespace {

constexpr std::chrono::milliseconds busy_pause(10);

// What the user can do about a socket that did not let us in.
std::string advice(const std::string& path, Errc code)
{
    struct stat info {};
    const bool exists = ::stat(path.c_str(), &info) == 0;
    if (code == Errc::permission_denied) {
        std::string group = "the group of the socket";
        std::array<char, 4096> room{};
        struct group entry {};
        struct group* found = nullptr;
        if (exists && ::getgrgid_r(info.st_gid, &entry, room.data(), room.size(), &found) == 0
            && found != nullptr) {
            group = "the group '" + std::string(found->gr_name) + "'";
        }
        return "become a member of " + group + " and log in again, or use a rootless engine";
    }
    if (code != Errc::unreachable) return {};
    if (!exists) return "there is no such socket: start the engine, or name its socket";
    if (!S_ISSOCK(info.st_mode)) return "the file is no socket: name the one the engine listens on";
    return "nobody listens on the socket: start the engine";
}

Task<std::unique_ptr<NetStream>> connect_unix(asio::any_io_executor executor, std::string path)
{
    if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path)) {
        co_return fail(
            Errc::invalid_argument,
            "the path of a socket has 1 to " + std::to_string(sizeof(sockaddr_un::sun_path) - 1)
                + " bytes, this one has " + std::to_string(path.size())
        );
    }
    const Local::endpoint peer(path);
    const Interruption stop(co_await asio::this_coro::cancellation_state);
    for (;;) {
        auto stream = std::make_unique<SocketStream<Local>>(executor);
        const auto [failed] = co_await stream->socket.async_connect(peer, io);
        if (stop.arrived()) {
            co_return fail(cancelled_error("connecting"));
        }
        if (failed) {
            Error error = net_error(failed, "connecting");
            error.hint = advice(path, error.code);
            co_return fail(std::move(error));
        }
        // Linux refuses with EAGAIN when the listener's queue is full; Asio takes that for a
        // connection under way and then for one that is made.
        boost::system::error_code not_connected;
        stream->socket.remote_endpoint(not_connected);
        if (!not_connected) {
            co_return std::unique_ptr<NetStream>(std::move(stream));
        }
        asio::steady_timer pause(executor, busy_pause);
        co_await pause.async_wait(io);
        if (stop.arrived()) {
            co_return fail(cancelled_error("connecting"));
        }
    }
}

Task<std::unique_ptr<NetStream>> connect_tcp(asio::any_io_executor executor, Endpoint endpoint)
{
    CO_TRY(auto peers, co_await resolve(executor, endpoint.host, endpoint.port));
    CO_TRY(auto stream, co_await connect_first(executor, std::move(peers)));
    if (!endpoint.tls) {
        co_return std::move(stream);
    }
    const TlsSettings settings = *endpoint.tls;
    co_return co_await start_tls(executor, std::move(stream), settings, endpoint.host);
}

Task<> open_into(
    std::shared_ptr<std::unique_ptr<NetStream>> out,
    asio::any_io_executor executor,
    Endpoint endpoint
)
{
    if (endpoint.scheme == Endpoint::Scheme::unix_socket) {
        CO_TRY(*out, co_await connect_unix(executor, endpoint.socket_path));
    } else {
        CO_TRY(*out, co_await connect_tcp(executor, endpoint));
    }
    co_return ok();
}

} // namespace

Task<std::unique_ptr<NetStream>>
connect(asio::any_io_executor executor, Endpoint endpoint, std::chrono::milliseconds limit)
{
    const auto stream = std::make_shared<std::unique_ptr<NetStream>>();
    Child work(executor, open_into(stream, executor, endpoint));
    const Watchdog watchdog(executor, limit, [&work] { work.cancel(); });
    auto done = co_await work.join();
    if (watchdog.expired()) {
        done =
            fail(Errc::timed_out, "no connection within " + std::to_string(limit.count()) + " ms");
    }
    CO_CHECK(during(std::move(done), "reaching " + to_string(endpoint)));
    co_return std::move(*stream);
}

} // namespace slipway::engine
