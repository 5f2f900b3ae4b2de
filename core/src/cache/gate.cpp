#include "cache/gate.hpp"

#include <slipway/engine/interruption.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <list>
#include <utility>

namespace slipway::core::cache {

namespace asio = boost::asio;

struct Gate::State {
    State(asio::any_io_executor with, std::size_t at_most)
        : executor(std::move(with)), free(at_most)
    {
    }

    // Lives in the coroutine that waits, and goes with it.
    struct Waiter {
        explicit Waiter(std::shared_ptr<State> of)
            : state(std::move(of)),
              news(state->executor, asio::steady_timer::time_point::max()),
              at(state->waiters.insert(state->waiters.end(), this))
        {
        }
        Waiter(const Waiter&) = delete;
        Waiter& operator=(const Waiter&) = delete;
        ~Waiter() { leave_line(); }
        void leave_line()
        {
            if (waits) state->waiters.erase(at);
            waits = false;
        }

        std::shared_ptr<State> state;
        asio::steady_timer news; // cancelled when its turn has come
        std::list<Waiter*>::iterator at;
        Place place;
        bool waits = true; // stands in the list
    };

    static Place let_in(const std::shared_ptr<State>& state)
    {
        --state->free;
        return Place(state.get(), [state](void*) {
            ++state->free;
            if (state->waiters.empty()) return;
            Waiter& next = *state->waiters.front();
            next.leave_line();
            next.place = let_in(state);
            next.news.cancel();
        });
    }

    asio::any_io_executor executor;
    std::size_t free;
    std::list<Waiter*> waiters;
};

Gate::Gate(asio::any_io_executor executor, std::size_t most)
    : state_(std::make_shared<State>(std::move(executor), most))
{
}

Task<Gate::Place> Gate::enter()
{
    const auto state = state_;
    if (state->free > 0 && state->waiters.empty()) co_return State::let_in(state);
    const engine::Interruption stop(co_await asio::this_coro::cancellation_state);
    State::Waiter waiter(state);
    co_await waiter.news.async_wait(asio::as_tuple(asio::use_awaitable));
    if (stop.arrived()) co_return fail(Errc::cancelled, "cancelled");
    co_return std::move(waiter.place);
}

} // namespace slipway::core::cache
