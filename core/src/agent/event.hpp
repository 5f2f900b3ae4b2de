#pragma once

#include <slipway/engine/interruption.hpp>
#include <slipway/engine/result.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace slipway::core {

/// Wakes coroutines of one thread that wait for something to become true. Nothing is remembered:
/// who waits looks first, and looks again afterwards. It belongs to an object that its waiters
/// share.
class Event {
public:
    explicit Event(const boost::asio::any_io_executor& executor)
        : never_(executor, boost::asio::steady_timer::time_point::max())
    {
    }

    void notify() { never_.cancel(); }

    /// Errors: cancelled.
    Task<> wait()
    {
        const engine::Interruption stop(co_await boost::asio::this_coro::cancellation_state);
        co_await never_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        if (stop.arrived()) {
            co_return fail(Errc::cancelled, "cancelled");
        }
        co_return ok();
    }

private:
    boost::asio::steady_timer never_; // how its wait ends says nothing
};

} // namespace slipway::core
