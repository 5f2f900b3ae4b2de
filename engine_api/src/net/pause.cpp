#include "net/asio.hpp"

#include <slipway/engine/pause.hpp>

#include <boost/asio/steady_timer.hpp>

namespace slipway::engine {

Task<> pause(std::chrono::steady_clock::duration length)
{
    const Interruption stop(co_await boost::asio::this_coro::cancellation_state);
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, length);
    const auto [cut] = co_await timer.async_wait(io);
    if (cut || stop.arrived()) {
        co_return fail(Errc::cancelled, "cancelled");
    }
    co_return ok();
}

} // namespace slipway::engine
