#include "net/unix_connect.hpp"

#include "net/asio.hpp"
#include "net/socket_owner.hpp"
#include "net/socket_stream.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/stat.h>
#include <sys/un.h>

namespace slipway::engine {

namespace asio = boost::asio;
using Local = asio::local::stream_protocol;

namespace {

constexpr std::chrono::milliseconds busy_pause(10);

// What the user can do about a socket that did not let us in.
std::string advice(const std::string& path, Errc code)
{
    if (code == Errc::permission_denied) return permission_hint(socket_owner(path));
    if (code != Errc::unreachable) return {};
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0)
        return "there is no such socket: start the engine, or name its socket";
    if (!S_ISSOCK(info.st_mode)) return "the file is no socket: name the one the engine listens on";
    return "nobody listens on the socket: start the engine";
}

} // namespace

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

} // namespace slipway::engine
