#include "sandbox/settle.hpp"

#include <boost/asio/this_coro.hpp>

namespace slipway::core {

namespace asio = boost::asio;

asio::awaitable<Settled> settle(engine::Child& child)
{
    const engine::Interruption stop(co_await asio::this_coro::cancellation_state);
    Settled settled;
    settled.result = co_await child.wait();
    settled.interrupted = stop.arrived();
    if (settled.interrupted) {
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        settled.result = co_await child.join();
        co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    }
    co_return settled;
}

} // namespace slipway::core
