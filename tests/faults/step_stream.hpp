#pragma once

#include "net/asio.hpp"
#include "net/stream.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <charconv>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace slipway::test {

/// What happens at the chosen step.
enum class StepFault {
    none,
    reset,  ///< the operation fails as on a connection that was reset
    end,    ///< a read has the end of the connection, a write and a connect fail
    cancel, ///< the caller wants no more of it
    freeze, ///< nothing: the test ends the io_context
};

/// Counts the I/O operations of all connections of a test, and spoils one of them.
struct Steps {
    StepFault fault = StepFault::none;
    int at = -1;
    int taken = 0;
    int streams = 0;                ///< that are alive
    std::function<void()> on_fault; ///< for cancel and freeze
};

/// A connection in memory to an engine that answers each request with the same bytes, in six pieces
/// or more, as soon as it has all of the request.
class StepStream final : public engine::NetStream {
public:
    StepStream(
        const boost::asio::any_io_executor& executor,
        std::shared_ptr<Steps> steps,
        std::string answer,
        bool ends
    )
        : executor_(executor),
          news_(executor, Never::max()),
          steps_(std::move(steps)),
          answer_(std::move(answer)),
          ends_(ends)
    {
        ++steps_->streams;
    }
    StepStream(const StepStream&) = delete;
    StepStream& operator=(const StepStream&) = delete;
    ~StepStream() override { --steps_->streams; }

    /// One more operation. Every one leaves the executor once, as a real one does.
    static Task<> step(boost::asio::any_io_executor executor, std::shared_ptr<Steps> steps)
    {
        const bool spoilt = steps->taken++ == steps->at;
        co_await boost::asio::post(executor, boost::asio::use_awaitable);
        if (!spoilt) co_return ok();
        if (steps->fault == StepFault::reset || steps->fault == StepFault::end) {
            co_return fail(engine::net_error(
                boost::asio::error::connection_reset, "talking to the engine in memory"
            ));
        }
        boost::asio::post(executor, steps->on_fault);
        boost::asio::steady_timer for_ever(executor, Never::max());
        co_await for_ever.async_wait(engine::io);
        co_return fail(engine::cancelled_error("talking to the engine in memory"));
    }

    Task<std::size_t> read(std::span<char> into) override
    {
        const engine::Interruption stop(co_await boost::asio::this_coro::cancellation_state);
        auto stepped = co_await step(executor_, steps_);
        if (!stepped) {
            broken_ = true;
            if (steps_->fault == StepFault::end) co_return std::size_t{0};
            co_return fail(std::move(stepped).error());
        }
        while (!closed_ && !broken_ && !has_request()) {
            co_await news_.async_wait(engine::io);
            if (stop.arrived()) co_return fail(engine::cancelled_error("reading from memory"));
        }
        if (closed_) co_return fail(engine::cancelled_error("reading from memory"));
        if (broken_ || (given_ == answer_.size() && ends_)) co_return std::size_t{0};
        const std::size_t piece = std::max<std::size_t>(answer_.size() / 6, 97);
        const std::size_t n = answer_.copy(into.data(), std::min(piece, into.size()), given_);
        given_ += n;
        if (given_ == answer_.size() && !ends_) {
            written_.clear(); // ready for the next request
            given_ = 0;
        }
        co_return n;
    }

    Task<> write(std::string_view data) override
    {
        auto stepped = co_await step(executor_, steps_);
        if (!stepped) broken_ = true;
        if (stepped && (closed_ || broken_)) {
            stepped = fail(engine::net_error(boost::asio::error::broken_pipe, "writing to memory"));
        }
        written_ += data;
        news_.cancel();
        co_return stepped;
    }

    Task<> shutdown_write() override { co_return ok(); }
    void close() noexcept override
    {
        closed_ = true;
        news_.cancel();
    }
    bool stale() noexcept override { return closed_ || broken_; }

private:
    using Never = boost::asio::steady_timer::time_point;

    bool has_request() const
    {
        const auto end = written_.find("\r\n\r\n");
        if (end == std::string::npos) return false;
        if (written_.find("\r\nTransfer-Encoding: chunked\r\n") < end) {
            return written_.ends_with("\r\n0\r\n\r\n");
        }
        std::size_t length = 0;
        const std::string name = "\r\nContent-Length: ";
        if (const auto at = written_.find(name); at < end) {
            std::from_chars(written_.data() + at + name.size(), written_.data() + end, length);
        }
        return written_.size() >= end + 4 + length;
    }

    boost::asio::any_io_executor executor_;
    boost::asio::steady_timer news_; // never runs out; cancelled when something has happened
    std::shared_ptr<Steps> steps_;
    std::string answer_;
    bool ends_; // the connection ends with the answer
    std::string written_;
    std::size_t given_ = 0;
    bool closed_ = false;
    bool broken_ = false;
};

} // namespace slipway::test
