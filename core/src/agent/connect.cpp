#include "agent/connect.hpp"

#include "agent/local_stream.hpp"
#include "archive/posix.hpp"

#include <slipway/engine/pause.hpp>

#include <boost/asio/this_coro.hpp>

#include <fcntl.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

namespace slipway::core {

namespace asio = boost::asio;
using LocalSocket = asio::local::stream_protocol::socket;

namespace {

constexpr std::chrono::milliseconds full_queue_pause(5);

std::string advice(Errc code)
{
    if (code == Errc::unreachable) return "the sandbox has ended: acquire another one";
    if (code == Errc::permission_denied) return "the sandbox belongs to another user";
    return {};
}

// What stands for the path in a sockaddr_un, where a long one has no room; `dir` keeps it valid.
Result<std::string> short_path(const std::filesystem::path& path, posix::Fd& dir)
{
    if (path.native().size() < sizeof(sockaddr_un::sun_path)) return path.native();
    const auto parent = path.parent_path();
    dir = posix::Fd(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!dir) {
        const boost::system::error_code code(errno, boost::system::system_category());
        return fail(socket_error(code, "opening " + parent.native()));
    }
    std::string shown = "/proc/self/fd/" + std::to_string(dir.get()) + "/";
    shown += path.filename().native();
    if (shown.size() >= sizeof(sockaddr_un::sun_path)) {
        return fail(Errc::invalid_argument, "the name of a socket has 80 bytes at most");
    }
    return shown;
}

Task<std::unique_ptr<engine::DuplexStream>>
connect_socket(std::filesystem::path path, std::chrono::milliseconds limit)
{
    if (path.empty()) {
        co_return fail(Errc::invalid_argument, "no path of a socket");
    }
    const auto executor = co_await asio::this_coro::executor;
    const auto until = std::chrono::steady_clock::now() + limit;
    posix::Fd dir;
    CO_TRY(const std::string name, short_path(path, dir));
    const asio::local::stream_protocol::endpoint peer(name);
    for (;;) {
        LocalSocket socket(executor);
        boost::system::error_code failed;
        socket.open(peer.protocol(), failed);
        // A Unix socket connects at once or not at all, so nothing waits here.
        if (!failed) socket.native_non_blocking(true, failed);
        if (!failed
            && ::connect(socket.native_handle(), peer.data(), static_cast<socklen_t>(peer.size()))
                   != 0) {
            failed.assign(errno, boost::system::system_category());
        }
        if (!failed) {
            std::unique_ptr<engine::DuplexStream> stream = local_stream(std::move(socket));
            co_return stream;
        }
        if (failed != boost::system::errc::resource_unavailable_try_again
            && failed != boost::system::errc::interrupted) {
            co_return fail(socket_error(failed, "connecting"));
        }
        // The listener's queue is full.
        if (std::chrono::steady_clock::now() >= until) {
            co_return fail(
                Errc::timed_out,
                "no connection within " + std::to_string(limit.count()) + " ms: it accepts nobody"
            );
        }
        CO_CHECK(co_await engine::pause(full_queue_pause));
    }
}

} // namespace

Task<std::unique_ptr<engine::DuplexStream>>
connect_agent(std::filesystem::path path, std::chrono::milliseconds limit)
{
    auto stream = co_await connect_socket(path, limit);
    if (!stream && stream.error().hint.empty()) stream.error().hint = advice(stream.error().code);
    co_return during(std::move(stream), "reaching the sandbox's agent at " + path.native());
}

} // namespace slipway::core
