#include "agent/local_stream.hpp"

#include <slipway/engine/interruption.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace slipway::core {

namespace asio = boost::asio;
using Local = asio::local::stream_protocol;

namespace {

constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
// With the usual 200 KiB each side would often wait for the other.
constexpr int socket_bytes = 1 << 20;

class AgentSocket final : public LocalStream {
public:
    explicit AgentSocket(Local::socket socket) : socket_(std::move(socket)) {}

    Task<std::size_t> read(std::span<char> into) override
    {
        const auto room = asio::buffer(into.data(), into.size());
        const engine::Interruption stop(co_await asio::this_coro::cancellation_state);
        const auto [failed, n] = co_await socket_.async_read_some(room, as_value);
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
        const auto [failed, n] = co_await asio::async_write(socket_, bytes, all, as_value);
        if (stop.arrived()) {
            co_return fail(Errc::cancelled, "cancelled");
        }
        if (failed) {
            co_return fail(socket_error(failed, "writing to the sandbox's agent"));
        }
        co_return ok();
    }

    Task<> write_with(std::string_view data, int descriptor) override
    {
        ssize_t sent = send_with(socket_.native_handle(), data, descriptor);
        while (sent < 0 && errno == EAGAIN) {
            const engine::Interruption stop(co_await asio::this_coro::cancellation_state);
            const auto [failed] =
                co_await socket_.async_wait(asio::socket_base::wait_write, as_value);
            if (stop.arrived()) {
                co_return fail(Errc::cancelled, "cancelled");
            }
            if (failed) {
                co_return fail(socket_error(failed, "writing to the sandbox's agent"));
            }
            sent = send_with(socket_.native_handle(), data, descriptor);
        }
        if (sent < 0) {
            const boost::system::error_code code(errno, boost::system::system_category());
            co_return fail(socket_error(code, "writing to the sandbox's agent"));
        }
        data.remove_prefix(static_cast<std::size_t>(sent));
        if (data.empty()) co_return ok();
        co_return co_await write(data);
    }

    Task<> shutdown_write() override
    {
        boost::system::error_code failed;
        socket_.shutdown(asio::socket_base::shutdown_send, failed);
        if (failed && failed != asio::error::not_connected) { // the peer was faster
            co_return fail(socket_error(failed, "ending what the sandbox's agent reads"));
        }
        co_return ok();
    }

    void close() noexcept override
    {
        boost::system::error_code ignored;
        socket_.close(ignored);
    }

private:
    Local::socket socket_;
};

} // namespace

ssize_t send_with(int socket, std::string_view data, int descriptor)
{
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    iovec bytes{const_cast<char*>(data.data()), data.size()};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(part), &descriptor, sizeof descriptor);
    ssize_t sent = 0;
    do {
        sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

std::unique_ptr<LocalStream> local_stream(Local::socket socket)
{
    boost::system::error_code ignored;
    socket.set_option(asio::socket_base::send_buffer_size(socket_bytes), ignored);
    return std::make_unique<AgentSocket>(std::move(socket));
}

Result<LocalPair> local_pair(const asio::any_io_executor& executor)
{
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        const boost::system::error_code code(errno, boost::system::system_category());
        return fail(socket_error(code, "making a pair of sockets"));
    }
    LocalPair pair;
    pair.theirs = posix::Fd(ends[1]);
    ::setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &socket_bytes, sizeof socket_bytes);
    pair.ours = local_stream(Local::socket(executor, Local(), ends[0]));
    return pair;
}

Error socket_error(const boost::system::error_code& code, std::string doing)
{
    namespace sys = boost::system::errc;
    const bool nobody_there = code == sys::connection_refused
                              || code == sys::no_such_file_or_directory
                              || code == sys::not_a_directory || code == sys::wrong_protocol_type;
    Errc kind = Errc::io;
    if (code == asio::error::operation_aborted || code == asio::error::bad_descriptor) {
        kind = Errc::cancelled;
    } else if (code == sys::permission_denied) {
        kind = Errc::permission_denied;
    } else if (nobody_there) {
        kind = Errc::unreachable;
    }
    Error error(kind, kind == Errc::cancelled ? "cancelled" : code.message());
    error.cause = code;
    error.context.push_back(std::move(doing));
    return error;
}

} // namespace slipway::core
