#pragma once

#include "net/asio.hpp"
#include "net/stream.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>

#include <cerrno>

namespace slipway::engine {

/// A connected socket, unix or TCP.
template <class Protocol>
class SocketStream final : public NetStream {
public:
    explicit SocketStream(const boost::asio::any_io_executor& executor) : socket(executor) {}

    Task<std::size_t> read(std::span<char> into) override
    {
        const auto room = boost::asio::buffer(into.data(), into.size());
        const Interruption stop(co_await boost::asio::this_coro::cancellation_state);
        const auto [failed, n] = co_await socket.async_read_some(room, io);
        if (stop.arrived()) {
            co_return fail(cancelled_error("reading from the engine"));
        }
        if (failed == boost::asio::error::eof) {
            co_return std::size_t{0};
        }
        if (failed) {
            co_return fail(net_error(failed, "reading from the engine"));
        }
        co_return n;
    }

    std::size_t write_now(std::string_view data) noexcept override
    {
        constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
        const auto n = ::send(socket.native_handle(), data.data(), data.size(), flags);
        return n > 0 ? static_cast<std::size_t>(n) : 0;
    }

    Task<> write(std::string_view data) override
    {
        const auto bytes = boost::asio::buffer(data.data(), data.size());
        const Interruption stop(co_await boost::asio::this_coro::cancellation_state);
        // All in one call: by itself Asio offers the system 64 KiB at a time.
        const auto all = [size =
                              data.size()](const boost::system::error_code& ec, std::size_t sent) {
            return ec ? 0 : size - sent;
        };
        const auto [failed, n] = co_await boost::asio::async_write(socket, bytes, all, io);
        if (stop.arrived()) {
            co_return fail(cancelled_error("writing to the engine"));
        }
        if (failed) {
            co_return fail(net_error(failed, "writing to the engine"));
        }
        co_return ok();
    }

    Task<> shutdown_write() override
    {
        boost::system::error_code failed;
        socket.shutdown(boost::asio::socket_base::shutdown_send, failed);
        if (failed && failed != boost::asio::error::not_connected) { // the peer was faster
            co_return fail(net_error(failed, "ending the input of the engine"));
        }
        co_return ok();
    }

    void close() noexcept override
    {
        boost::system::error_code ignored;
        socket.close(ignored);
    }

    bool stale() noexcept override
    {
        char byte = 0;
        const auto n = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
    }

    typename Protocol::socket socket;
};

} // namespace slipway::engine
