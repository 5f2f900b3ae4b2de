#pragma once

#include <slipway/engine/result.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

namespace slipway::engine {

/// Asio operations give their error_code as a value; it becomes an Error at this edge.
inline constexpr auto io = boost::asio::as_tuple(boost::asio::use_awaitable);

/// Sorts an error of a socket into an Errc; `doing` reads "connecting to unix:///x".
Error net_error(const boost::system::error_code& code, std::string doing);

/// The error of an operation that the caller ended.
Error cancelled_error(std::string doing);

/// Notices a cancellation that came while an operation was awaited but too late to end it.
///
/// Asio ends an operation only while it waits. A cancellation that arrives when the operation is
/// done and its coroutine not yet resumed would be lost, which on a busy stream is the likely
/// case. So whoever awaits an operation makes one of these before and asks it afterwards. What was
/// cancelled before does not count: that is clean-up, which has to be able to run.
///
///     const Interruption stop(co_await boost::asio::this_coro::cancellation_state);
class Interruption {
public:
    explicit Interruption(boost::asio::cancellation_state state) noexcept
        : state_(state), was_cancelled_(cancelled())
    {
    }
    bool arrived() const noexcept { return !was_cancelled_ && cancelled(); }

private:
    bool cancelled() const noexcept
    {
        return state_.cancelled() != boost::asio::cancellation_type::none;
    }

    boost::asio::cancellation_state state_; // shares the coroutine's own
    bool was_cancelled_;
};

} // namespace slipway::engine
