#include "agent/connect.hpp"

#include "archive/posix.hpp"

#include <slipway/engine/interruption.hpp>
#include <slipway/engine/pause.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <fcntl.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

namespace slipway::core {

namespace asio = boost::asio;
using Local = asio::local::stream_protocol;

namespace {

constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds full_queue_pause(5);
// With the usual 200 KiB each side would often wait for the other.
constexpr int socket_bytes = 1 << 20;

Error socket_error(const boost::system::error_code& code, std::string doing)
{
    namespace sys = boost::system::errc;
    Errc kind = Errc::io;
    if (code == asio::error::operation_aborted || code == asio::error::bad_descriptor) {
        kind = Errc::cancelled;
    } else if (code == sys::permission_denied) {
        kind = Errc::permission_denied;
    } else if (code == sys::connection_refused || code == sys::no_such_file_or_directory || code == sys::not_a_directory || code == sys::wrong_protocol_type) {
        kind = Errc::unreachable;
    }
    Error error(kind, kind == Errc::cancelled ? "cancelled" : code.message());
    error.cause = code;
    error.context.push_back(std::move(doing));
    return error;
}

class AgentSocket final : public engine::DuplexStream {
public:
    explicit AgentSocket(const asio::any_io_executor& executor) : socket(executor) {}

    Task<std::size_t> read(std::span<char> into) override
    {
        const auto room = asio::buffer(into.data(), into.size());
        const engine::Interruption stop(co_await asio::this_coro::cancellation_state);
        const auto [failed, n] = co_await socket.async_read_some(room, as_value);
        if (stop.arrived()) {
            co_return fail(Errc::cancelled, "cancelled");
        }
        if (failed == asio::error::eof) {
            co_return std::size_t{0};
        }
        if (failed) {
            co_return fail(socket_error(failed, "reading from the sandbox's agent"));
        }
        co_return n;
    }

    Task<> write(std::string_view data) override
    {
        const auto bytes = asio::buffer(data.data(), data.size());
        const engine::Interruption stop(co_await asio::this_coro::cancellation_state);
        // All in one call: by itself Asio offers the system 64 KiB at a time.
        const auto all = [size =
                              data.size()](const boost::system::error_code& ec, std::size_t sent) {
            return ec ? 0 : size - sent;
        };
        const auto [failed, n] = co_await asio::async_write(socket, bytes, all, as_value);
        if (stop.arrived()) {
            co_return fail(Errc::cancelled, "cancelled");
        }
        if (failed) {
            co_return fail(socket_error(failed, "writing to the sandbox's agent"));
        }
        co_return ok();
    }

    Task<> shutdown_write() override
    {
        boost::system::error_code failed;
        socket.shutdown(asio::socket_base::shutdown_send, failed);
        if (failed && failed != asio::error::not_connected) { // the peer was faster
            co_return fail(socket_error(failed, "ending what the sandbox's agent reads"));
        }
        co_return ok();
    }

    void close() noexcept override
    {
        boost::system::error_code ignored;
        socket.close(ignored);
    }

    Local::socket socket;
};

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
    const Local::endpoint peer(name);
    for (;;) {
        auto stream = std::make_unique<AgentSocket>(executor);
        boost::system::error_code failed;
        stream->socket.open(Local(), failed);
        // A Unix socket connects at once or not at all, so nothing waits here.
        if (!failed) stream->socket.native_non_blocking(true, failed);
        if (!failed
            && ::connect(
                   stream->socket.native_handle(), peer.data(), static_cast<socklen_t>(peer.size())
               ) != 0) {
            failed.assign(errno, boost::system::system_category());
        }
        if (!failed) {
            boost::system::error_code ignored;
            stream->socket.set_option(asio::socket_base::send_buffer_size(socket_bytes), ignored);
            co_return std::unique_ptr<engine::DuplexStream>(std::move(stream));
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
