#include "net/watchdog.hpp"

#include <slipway/engine/duration.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace slipway::engine {

namespace {

constexpr Watchdog::Clock::time_point never = Watchdog::Clock::time_point::max();

Watchdog::Clock::time_point from_now(Watchdog::Limit limit)
{
    return limit ? Watchdog::Clock::now() + *limit : never;
}

} // namespace

struct Watchdog::State {
    State(const boost::asio::any_io_executor& executor, Limit whole)
        : timer(executor), total(whole), total_due(from_now(whole))
    {
    }

    void restart() { part_due = our_turn ? never : from_now(limit); }
    Clock::time_point due() const { return std::min(part_due, total_due); }

    // Makes the timer wake at the next date, or before it: then it looks again.
    static void arm(const std::shared_ptr<State>& state, Clock::time_point look_at = never)
    {
        const auto date = std::min(state->due(), look_at);
        if (state->ended || (state->waiting && date != never && state->timer.expiry() <= date)) {
            return;
        }
        const auto wait = ++state->last_wait;
        state->waiting = date != never;
        if (!state->waiting) {
            state->timer.cancel();
            return;
        }
        state->timer.expires_at(date);
        state->timer.async_wait([state, wait](const boost::system::error_code& stopped) {
            if (stopped || wait != state->last_wait) return;
            state->waiting = false;
            if (Clock::now() < state->due()) {
                arm(state);
            } else {
                state->end();
            }
        });
    }

    void end()
    {
        const bool all = total_due <= part_due;
        ended = all ? CallPart::total : part;
        after = all ? total.value_or(after) : limit.value_or(after);
        if (close) std::exchange(close, nullptr)();
    }

    boost::asio::steady_timer timer;
    std::function<void()> close;
    CallPart part = CallPart::connect;
    Limit limit;
    Clock::time_point part_due = never;
    Limit total;
    Clock::time_point total_due;
    unsigned last_wait = 0; // tells the timer's present wait from those it replaced
    bool waiting = false;
    bool our_turn = false;
    std::optional<CallPart> ended;
    std::chrono::milliseconds after{};
};

Watchdog::Watchdog(const boost::asio::any_io_executor& executor, Limit total, Limit shortest)
    : state_(std::make_shared<State>(executor, total))
{
    State::arm(state_, from_now(shortest));
}

Watchdog::~Watchdog() // NOLINT(bugprone-exception-escape): see the header
{
    if (state_) finish();
}

void Watchdog::on_expire(std::function<void()> close)
{
    state_->close = std::move(close);
    if (expired() && state_->close) std::exchange(state_->close, nullptr)();
}

void Watchdog::begin(CallPart part, Limit limit)
{
    state_->part = part;
    state_->limit = limit;
    restart();
}

void Watchdog::restart()
{
    state_->restart();
    State::arm(state_);
}

void Watchdog::finish()
{
    state_->close = nullptr;
    state_->limit.reset();
    state_->part_due = state_->total_due = never;
    State::arm(state_);
}

bool Watchdog::expired() const noexcept
{
    return state_->ended.has_value();
}

Error Watchdog::error() const
{
    const std::string time = duration_text(state_->after);
    Error error(Errc::timed_out, {});
    switch (state_->ended.value_or(CallPart::total)) {
    case CallPart::connect:
        error.message = "no connection within " + time + " (connect deadline)";
        break;
    case CallPart::header:
        error.message = "no answer within " + time + " (header deadline)";
        error.hint = "the engine is busy or hangs: look at its log";
        break;
    case CallPart::idle:
        error.message = "nothing more of the answer within " + time + " (idle deadline)";
        error.hint = "the engine is busy or hangs: look at its log";
        break;
    case CallPart::total:
        error.message = "not finished within " + time + " (total deadline)";
        break;
    }
    return error;
}

std::function<void(bool)> Watchdog::turns() const
{
    return [shared = std::weak_ptr<State>(state_)](bool of_the_peer) {
        const auto state = shared.lock();
        if (!state) return;
        state->our_turn = !of_the_peer;
        state->restart();
        State::arm(state);
    };
}

} // namespace slipway::engine
