#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

namespace slipway::core {

/// Calls a function when the time is up, unless this has gone before.
class Within {
public:
    Within(
        const boost::asio::any_io_executor& executor,
        std::chrono::milliseconds limit,
        std::function<void()> late
    )
        : timer_(executor, limit), over_(std::make_shared<bool>(false))
    {
        timer_.async_wait([late = std::move(late), over = over_](const auto& stopped) {
            if (!stopped && !*over) late();
        });
    }
    Within(const Within&) = delete;
    Within& operator=(const Within&) = delete;
    ~Within() { *over_ = true; } // the call may be due already

private:
    boost::asio::steady_timer timer_;
    std::shared_ptr<bool> over_;
};

} // namespace slipway::core
