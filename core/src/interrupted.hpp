#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

namespace slipway::core {

/// An interrupt that comes while something may not be interrupted, or just when an operation was
/// done, stops nothing by itself: whoever goes on to something long asks.
inline boost::asio::awaitable<bool> is_interrupted()
{
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    co_return state.cancelled() != boost::asio::cancellation_type::none;
}

} // namespace slipway::core
