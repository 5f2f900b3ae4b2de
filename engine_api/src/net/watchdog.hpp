#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace slipway::engine {

/// Runs `expire` once when the time is up, unless it is destroyed first. With a deadline on a
/// stream, `expire` closes the stream, which ends its pending reads and writes.
class Watchdog {
public:
    using Clock = std::chrono::steady_clock;

    Watchdog(
        const boost::asio::any_io_executor& executor,
        std::optional<std::chrono::milliseconds> limit,
        std::function<void()> expire
    )
    {
        if (!limit) return;
        state_ = std::make_shared<State>(executor, *limit, std::move(expire));
        wait(state_);
    }
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    ~Watchdog()
    {
        if (state_) {
            state_->expire = nullptr;
            state_->timer.cancel();
        }
    }

    bool expired() const noexcept { return state_ && state_->expired; }

    /// A function that gives the whole time again; harmless after the watchdog is gone.
    std::function<void()> restarter() const
    {
        return [state = state_] {
            if (state) state->due = Clock::now() + state->limit;
        };
    }

private:
    struct State {
        State(
            const boost::asio::any_io_executor& executor,
            std::chrono::milliseconds time,
            std::function<void()> at_end
        )
            : timer(executor), expire(std::move(at_end)), limit(time), due(Clock::now() + time)
        {
        }
        boost::asio::steady_timer timer;
        std::function<void()> expire;
        std::chrono::milliseconds limit;
        Clock::time_point due;
        bool expired = false;
    };

    static void wait(const std::shared_ptr<State>& state)
    {
        state->timer.expires_at(state->due);
        state->timer.async_wait([state](const boost::system::error_code& stopped) {
            if (stopped || !state->expire) return;
            if (Clock::now() < state->due) { // started anew meanwhile
                wait(state);
                return;
            }
            state->expired = true;
            std::exchange(state->expire, nullptr)();
        });
    }

    std::shared_ptr<State> state_;
};

} // namespace slipway::engine
