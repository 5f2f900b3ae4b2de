#pragma once

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>

namespace slipway::engine {

/// Notices a cancellation that came while an operation was awaited but too late to end it.
///
/// Asio ends an operation only while it waits. A cancellation that arrives when the operation is
/// done and its coroutine not yet resumed would be lost, which on a busy stream is the likely
/// case. So whoever awaits an operation makes one of these before and asks it afterwards. What was
/// cancelled before does not count: that is clean-up, which has to be able to run.
///
///     const Interruption stop(co_await boost::asio::this_coro::cancellation_state);
class Interruption {
public:
    explicit Interruption(boost::asio::cancellation_state state) noexcept
        : state_(state), was_cancelled_(cancelled())
    {
    }
    bool arrived() const noexcept { return !was_cancelled_ && cancelled(); }

private:
    bool cancelled() const noexcept
    {
        return state_.cancelled() != boost::asio::cancellation_type::none;
    }

    boost::asio::cancellation_state state_; // shares the coroutine's own
    bool was_cancelled_;
};

} // namespace slipway::engine
