#pragma once

#include <slipway/engine/interruption.hpp>
#include <slipway/engine/result.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace slipway::engine {

/// A coroutine that runs beside the one which started it, on the same executor, and is joined.
///
/// Dropping a Child asks it to stop but does not wait: the task must own what it uses.
class Child {
public:
    Child() = default;
    Child(boost::asio::any_io_executor executor, Task<> task)
        : state_(std::make_shared<State>(executor))
    {
        Ended ended;
        ended.state = state_;
        boost::asio::co_spawn(executor, run(state_, std::move(task)), std::move(ended));
    }
    Child(Child&&) = default;
    Child& operator=(Child&& other) noexcept
    {
        cancel();
        state_ = std::move(other.state_);
        return *this;
    }
    ~Child() { cancel(); }

    bool running() const noexcept { return state_ != nullptr && state_->alive; }

    void cancel()
    {
        if (running()) {
            // The child may end, and drop the state, while it handles the signal.
            const auto keep = state_;
            keep->ask_to_stop();
        }
    }

    /// Waits for the end and gives the child's result, or Errc::cancelled when the waiting
    /// coroutine is cancelled; the child then goes on, unless it has just ended (`running`), and
    /// can be waited for again.
    Task<> wait()
    {
        const auto state = state_;
        if (state == nullptr) {
            co_return ok();
        }
        if (!state->result) {
            const Interruption stop(co_await boost::asio::this_coro::cancellation_state);
            co_await state->ended.async_wait(quietly);
            // Also when the child has ended meanwhile: a signal that got lost here is not repeated.
            if (!state->result || stop.arrived()) {
                co_return fail(Errc::cancelled, "cancelled");
            }
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
        const auto state = state_;
        if (state == nullptr) {
            co_return ok();
        }
        const Interruption stop(co_await boost::asio::this_coro::cancellation_state);
        while (!state->result) {
            co_await state->ended.async_wait(quietly);
            if (!state->result && state->alive) {
                state->ask_to_stop();
            }
        }
        if (state->thrown) {
            std::rethrow_exception(state->thrown);
        }
        if (*state->result && stop.arrived()) {
            co_return fail(Errc::cancelled, "cancelled");
        }
        co_return *state->result;
    }

    /// The same, given up after `patience`: a child that does not stop then goes on alone. Nobody
    /// else may wait for it meanwhile. Errors: timed_out (it is still running), then its own.
    Task<> join_within(std::chrono::milliseconds patience)
    {
        const auto state = state_;
        if (state == nullptr) {
            co_return ok();
        }
        const auto end = std::chrono::steady_clock::now() + patience;
        if (!state->result) {
            state->ended.expires_at(end);
        }
        const Interruption stop(co_await boost::asio::this_coro::cancellation_state);
        while (!state->result && std::chrono::steady_clock::now() < end) {
            co_await state->ended.async_wait(quietly);
            if (!state->result && state->alive) {
                state->ask_to_stop();
            }
        }
        if (!state->result) {
            state->ended.expires_at(boost::asio::steady_timer::time_point::max());
            co_return fail(Errc::timed_out, "the task does not end");
        }
        if (state->thrown) {
            std::rethrow_exception(state->thrown);
        }
        if (*state->result && stop.arrived()) {
            co_return fail(Errc::cancelled, "cancelled");
        }
        co_return *state->result;
    }

private:
    // How a wait for the timer ended says nothing.
    static constexpr auto quietly = boost::asio::as_tuple(boost::asio::use_awaitable);

    struct State {
        explicit State(const boost::asio::any_io_executor& executor)
            : ended(executor, boost::asio::steady_timer::time_point::max())
        {
        }
        // A signal before the first step would make co_spawn of Boost 1.81 throw out of
        // io_context::run.
        void ask_to_stop()
        {
            if (begun) {
                stop.emit(boost::asio::cancellation_type::terminal);
            } else {
                unwanted = true;
            }
        }
        boost::asio::steady_timer ended; // a condition to wait for; runs out for join_within alone
        boost::asio::cancellation_signal stop;
        std::optional<Result<>> result;
        std::exception_ptr thrown;
        bool begun = false;
        bool unwanted = false; // cancelled before it began
        bool alive = true;     // false from the end of the coroutine, or of its io_context
    };

    // A class of its own instead of bind_cancellation_slot: with that one, co_spawn of Boost 1.81
    // sends the signal through the executor, by a bare pointer that the state may not outlive.
    struct Ended {
        using cancellation_slot_type = boost::asio::cancellation_slot;
        cancellation_slot_type get_cancellation_slot() const noexcept { return state->stop.slot(); }

        void operator()(std::exception_ptr thrown, Result<> result)
        {
            state->alive = false;
            state->thrown = std::move(thrown);
            state->result.emplace(std::move(result));
            state->ended.cancel();
        }
        std::shared_ptr<State> state;
    };

    // Lives in the coroutine. An io_context that is destroyed takes the coroutine with it, and a
    // signal would then reach for operations that are gone.
    struct Life {
        explicit Life(std::shared_ptr<State> of) : state(std::move(of)) {}
        Life(const Life&) = delete;
        Life& operator=(const Life&) = delete;
        ~Life() { state->alive = false; }
        std::shared_ptr<State> state;
    };

    static Task<> run(std::shared_ptr<State> state, Task<> task)
    {
        const Life life(state);
        // After a cancellation the next co_await would throw; clean-up has to be able to run.
        co_await boost::asio::this_coro::throw_if_cancelled(false);
        state->begun = true;
        if (state->unwanted) {
            co_return fail(Errc::cancelled, "cancelled");
        }
        co_return co_await std::move(task);
    }

    std::shared_ptr<State> state_;
};

} // namespace slipway::engine
