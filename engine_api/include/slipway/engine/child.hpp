#pragma once

#include <slipway/engine/result.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace slipway::engine {

/// A coroutine that runs beside the one which started it, on the same executor, and is joined.
///
/// Dropping a Child asks it to stop but does not wait: the task must own what it uses, or the Child
/// must be joined before that goes away.
class Child {
public:
    Child() = default;
    Child(boost::asio::any_io_executor executor, Task<> task)
        : state_(std::make_shared<State>(executor))
    {
        boost::asio::co_spawn(
            executor,
            keep_going_when_cancelled(std::move(task)),
            boost::asio::bind_cancellation_slot(
                state_->stop.slot(),
                [state = state_](std::exception_ptr thrown, Result<> result) {
                    state->thrown = std::move(thrown);
                    state->result.emplace(std::move(result));
                    state->ended.cancel();
                }
            )
        );
    }
    Child(Child&&) = default;
    Child& operator=(Child&& other) noexcept
    {
        cancel();
        state_ = std::move(other.state_);
        return *this;
    }
    ~Child() { cancel(); }

    bool running() const noexcept { return state_ != nullptr && !state_->result; }

    void cancel()
    {
        if (running()) {
            // The child may end, and drop the state, while it handles the signal.
            const auto keep = state_;
            keep->stop.emit(boost::asio::cancellation_type::terminal);
        }
    }

    /// Waits for the end and gives the child's result, or Errc::cancelled when the waiting
    /// coroutine is cancelled; the child then goes on and can be waited for again.
    Task<> wait()
    {
        const auto state = state_;
        if (state == nullptr) {
            co_return ok();
        }
        if (!state->result) {
            // The timer never runs out; both the child's end and a cancellation stop the wait.
            co_await state->ended.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        }
        if (!state->result) {
            co_return fail(Errc::cancelled, "cancelled");
        }
        if (state->thrown) {
            std::rethrow_exception(state->thrown);
        }
        co_return *state->result;
    }

    /// Waits for the end and gives its result. When the waiting coroutine is cancelled, so is the
    /// child, and its end is still waited for: nothing runs on behind the caller's back.
    Task<> join()
    {
        while (running()) {
            co_await wait();
            if (running()) {
                cancel();
            }
        }
        co_return co_await wait();
    }

private:
    struct State {
        explicit State(const boost::asio::any_io_executor& executor)
            : ended(executor, boost::asio::steady_timer::time_point::max())
        {
        }
        boost::asio::steady_timer ended; // never runs out: a condition to wait for
        boost::asio::cancellation_signal stop;
        std::optional<Result<>> result;
        std::exception_ptr thrown;
    };

    // After a cancellation the next co_await would throw; clean-up has to be able to run.
    static Task<> keep_going_when_cancelled(Task<> task)
    {
        co_await boost::asio::this_coro::throw_if_cancelled(false);
        co_return co_await std::move(task);
    }

    std::shared_ptr<State> state_;
};

} // namespace slipway::engine
