#pragma once

#include "agent/event.hpp"
#include "archive/worker.hpp"
#include "interrupted.hpp"

#include <slipway/engine/result.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace slipway::core {

/// Runs what blocks on a thread of its own, and waits for its end. When the coroutine is cancelled,
/// `stop` becomes true for the work; it is waited for all the same.
///
/// Errors: those of the work, io (no thread), cancelled.
template <class T>
Task<T> on_thread(std::function<Result<T>(const std::atomic<bool>& stop)> work)
{
    struct Shared {
        explicit Shared(const boost::asio::any_io_executor& executor) : ended(executor) {}
        Event ended;
        std::atomic<bool> stop = false;
        std::optional<Result<T>> result;
        bool done = false; // of the coroutine's thread
    };
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto shared = std::make_shared<Shared>(executor);
    Worker thread;
    CO_CHECK(thread.start([shared, executor, &work] {
        shared->result = work(shared->stop);
        boost::asio::post(executor, [shared] {
            shared->done = true;
            shared->ended.notify();
        });
    }));
    bool cancelled = false;
    while (!shared->done && !cancelled) {
        cancelled = !co_await shared->ended.wait();
    }
    shared->stop = true;
    thread.join();
    if (cancelled) co_return fail(Errc::cancelled, "interrupted");
    co_return *std::move(shared->result);
}

} // namespace slipway::core
