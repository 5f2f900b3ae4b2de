#include "http/connection_limit.hpp"

#include "net/asio.hpp"

#include <slipway/engine/duration.hpp>

#include <boost/asio/steady_timer.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <list>
#include <string>
#include <utility>

namespace slipway::engine {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

struct ConnectionLimit::State {
    // In the queue for as long as its coroutine waits.
    struct Waiter {
        Waiter(std::shared_ptr<State> of, Use wanted) : state(std::move(of)), use(wanted)
        {
            state->waiters.push_back(this);
        }
        Waiter(const Waiter&) = delete;
        Waiter& operator=(const Waiter&) = delete;
        ~Waiter()
        {
            state->waiters.remove(this);
            state->wake(); // a place that was meant for us is the next one's
        }
        std::shared_ptr<State> state;
        Use use;
        asio::steady_timer news{state->executor};
    };

    State(asio::any_io_executor on, std::size_t limit, std::chrono::milliseconds time)
        : executor(std::move(on)), most(limit), patience(time)
    {
    }

    std::size_t most_of(Use use) const noexcept
    {
        return use == Use::stream ? most - most / 4 : most;
    }
    bool room(Use use) const noexcept { return used < most_of(use); }
    bool anyone_before(Use use) const noexcept
    {
        return std::ranges::any_of(waiters, [&](const Waiter* other) { return other->use == use; });
    }
    void wake()
    {
        const auto next =
            std::ranges::find_if(waiters, [&](const Waiter* waiter) { return room(waiter->use); });
        if (next != waiters.end()) (*next)->news.cancel();
    }
    static Place take(const std::shared_ptr<State>& state)
    {
        ++state->used;
        return Place(state.get(), [state](void*) {
            --state->used;
            state->came_free = Clock::now();
            state->wake();
        });
    }
    tl::unexpected<Error> too_many(Use use) const
    {
        Error error(
            Errc::timed_out,
            "all " + std::to_string(most_of(use)) + " connections that this client may have"
                + (use == Use::stream ? " with streams" : "") + " are in use, and none came free "
                + "within " + duration_text(patience)
        );
        error.hint = "close streams that nobody reads, do fewer things at a time, or allow more "
                     "open files (ulimit -n)";
        return fail(std::move(error));
    }

    asio::any_io_executor executor;
    std::size_t most;
    std::chrono::milliseconds patience;
    std::size_t used = 0;
    Clock::time_point came_free;
    std::list<Waiter*> waiters;
};

ConnectionLimit::ConnectionLimit(
    asio::any_io_executor executor, std::size_t most, std::chrono::milliseconds patience
)
    : state_(
        std::make_shared<State>(std::move(executor), most == 0 ? of_this_process() : most, patience)
    )
{
}

ConnectionLimit::Place ConnectionLimit::take_now(Use use)
{
    return state_->room(use) && !state_->anyone_before(use) ? State::take(state_) : nullptr;
}

Task<ConnectionLimit::Place> ConnectionLimit::take(Use use)
{
    if (auto place = take_now(use)) co_return place;
    const auto state = state_;
    const Interruption stop(co_await asio::this_coro::cancellation_state);
    State::Waiter waiter(state, use);
    const auto since = Clock::now();
    for (;;) {
        const auto due = std::max(since, state->came_free) + state->patience;
        if (due <= Clock::now()) {
            co_return state->too_many(use);
        }
        waiter.news.expires_at(due);
        co_await waiter.news.async_wait(io);
        if (stop.arrived()) {
            co_return fail(cancelled_error("waiting for a free connection"));
        }
        if (state->room(use)) {
            co_return State::take(state);
        }
    }
}

bool ConnectionLimit::full(Use use) const noexcept
{
    return !state_->room(use);
}

bool ConnectionLimit::wanted() const noexcept
{
    return !state_->waiters.empty();
}

std::size_t ConnectionLimit::of_this_process() noexcept
{
    constexpr rlim_t fewest = 8;
    constexpr rlim_t most = 1024;
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return fewest;
    return static_cast<std::size_t>(std::clamp(files.rlim_cur / 2, fewest, most));
}

} // namespace slipway::engine
