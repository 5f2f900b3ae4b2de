#include <slipway/core/byte_pipe.hpp>
#include <slipway/engine/interruption.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

namespace slipway::core {

namespace asio = boost::asio;

namespace {

constexpr auto waiting = asio::as_tuple(asio::use_awaitable);

Error no_reader()
{
    return {Errc::cancelled, "the reader of the stream has left"};
}

/// Knows the pipes whose coroutine sleeps in one io_context. A context that is being destroyed must
/// not be touched by another thread, so the pipes forget their sleepers before that: services go in
/// the reverse order of their making, and this one is made after that of the timers.
class Sleepers final : public asio::execution_context::service {
public:
    using key_type = Sleepers;
    static asio::execution_context::id id; // NOLINT(readability-identifier-naming): Asio's name

    explicit Sleepers(asio::execution_context& context) : service(context) {}

    void add(BytePipe& pipe)
    {
        const std::scoped_lock lock(mutex_);
        pipes_.insert(&pipe);
    }
    void remove(BytePipe& pipe)
    {
        const std::scoped_lock lock(mutex_);
        pipes_.erase(&pipe);
    }

private:
    void shutdown() override;

    std::mutex mutex_;
    std::set<BytePipe*> pipes_;
};

asio::execution_context::id Sleepers::id;

} // namespace

/// A ring of bytes. Who puts and who takes own different parts of it, so that they copy at the same
/// time; what is whose changes under the mutex. The thread sleeps on a condition variable; the
/// coroutine sleeps on a timer that never runs out and is cancelled to wake it. The timer belongs
/// to the coroutine's frame and every touch of it is under the mutex, so an io_context that is
/// destroyed with the coroutine asleep frees all, and the thread can never reach a timer that is
/// gone.
class BytePipe {
public:
    using Ready = bool (BytePipe::*)() const;

    explicit BytePipe(std::size_t max_bytes)
        : capacity_(std::max<std::size_t>(max_bytes, 1)),
          bytes_(std::make_unique_for_overwrite<char[]>(capacity_))
    {
    }

    // The producer's side.

    Result<> write_blocking(std::string_view data)
    {
        while (!data.empty()) {
            std::unique_lock lock(mutex_);
            thread_.wait(lock, [&] { return closed() || is_roomy(); });
            CHECK_OK(may_write());
            data.remove_prefix(put(data, lock));
            wake_task();
        }
        return ok();
    }

    /// Takes what fits; 0 when nothing does.
    Result<std::size_t> write_some(std::string_view data)
    {
        std::unique_lock lock(mutex_);
        CHECK_OK(may_write());
        const std::size_t taken = put(data, lock);
        thread_.notify_one();
        return taken;
    }

    void end(std::optional<Error> error) noexcept
    {
        const std::scoped_lock lock(mutex_);
        if (ended_) return;
        ended_ = true;
        error_ = std::move(error);
        thread_.notify_one();
        wake_task();
    }

    // The consumer's side.

    Result<std::size_t> read_blocking(std::span<char> into)
    {
        std::unique_lock lock(mutex_);
        thread_.wait(lock, [&] { return readable(); });
        auto taken = take(into, lock);
        wake_task();
        return taken;
    }

    /// Nothing when there is neither a byte nor an end yet.
    std::optional<Result<std::size_t>> read_some(std::span<char> into)
    {
        std::unique_lock lock(mutex_);
        if (!readable()) return std::nullopt;
        auto taken = take(into, lock);
        if (is_roomy()) thread_.notify_one();
        return taken;
    }

    void leave() noexcept
    {
        const std::scoped_lock lock(mutex_);
        left_ = true;
        thread_.notify_one();
        wake_task();
    }

    bool is_left()
    {
        const std::scoped_lock lock(mutex_);
        return left_;
    }

    void forget_sleeper()
    {
        const std::scoped_lock lock(mutex_);
        sleeper_ = nullptr;
    }

    // What a coroutine waits for; called under the mutex.
    bool readable() const { return size_ > 0 || ended_; }
    bool writable() const { return size_ < capacity_ || closed(); }
    bool reader_has_left() const { return left_; }

    /// Sleeps until `ready`. It may return early, so the caller looks again.
    static Task<> sleep(std::shared_ptr<BytePipe> pipe, Ready ready)
    {
        const engine::Interruption stop(co_await asio::this_coro::cancellation_state);
        asio::steady_timer timer(co_await asio::this_coro::executor);
        auto& context = asio::query(timer.get_executor(), asio::execution::context);
        const Awake awake(*pipe, asio::use_service<Sleepers>(context));
        auto begin = [&](auto handler) {
            const std::scoped_lock lock(pipe->mutex_);
            if (((*pipe).*ready)()) {
                timer.expires_at(asio::steady_timer::time_point::min());
            } else {
                timer.expires_at(asio::steady_timer::time_point::max());
                pipe->sleeper_ = &timer;
            }
            timer.async_wait(std::move(handler));
        };
        co_await asio::async_initiate<decltype(waiting), void(boost::system::error_code)>(
            begin, waiting
        );
        if (stop.arrived()) co_return fail(Errc::cancelled, "cancelled");
        co_return ok();
    }

private:
    /// Forgets the sleeper before its timer goes, also when the frame is destroyed asleep.
    class Awake {
    public:
        Awake(BytePipe& pipe, Sleepers& sleepers) : pipe_(&pipe), sleepers_(&sleepers)
        {
            sleepers.add(pipe);
        }
        Awake(const Awake&) = delete;
        Awake& operator=(const Awake&) = delete;
        ~Awake()
        {
            pipe_->forget_sleeper();
            sleepers_->remove(*pipe_);
        }

    private:
        BytePipe* pipe_;
        Sleepers* sleepers_;
    };

    bool closed() const { return left_ || ended_; }

    /// A quarter at a time, so that a full pipe does not cost a switch for each small read.
    bool is_roomy() const { return capacity_ - size_ >= std::max<std::size_t>(capacity_ / 4, 1); }

    Result<> may_write() const
    {
        if (left_) return fail(no_reader());
        if (ended_) return fail(Errc::internal, "a write after the end of the stream");
        return ok();
    }

    void wake_task()
    {
        if (sleeper_ == nullptr) return;
        sleeper_->cancel();
        sleeper_ = nullptr;
    }

    std::size_t put(std::string_view data, std::unique_lock<std::mutex>& lock)
    {
        const std::size_t count = std::min(data.size(), capacity_ - size_);
        const std::size_t at = (first_ + size_) % capacity_;
        const std::size_t straight = std::min(count, capacity_ - at);
        lock.unlock();
        std::memcpy(&bytes_[at], data.data(), straight);
        std::memcpy(&bytes_[0], data.data() + straight, count - straight);
        lock.lock();
        size_ += count;
        return count;
    }

    Result<std::size_t> take(std::span<char> into, std::unique_lock<std::mutex>& lock)
    {
        if (error_) return fail(*error_);
        const std::size_t count = std::min(into.size(), size_);
        const std::size_t straight = std::min(count, capacity_ - first_);
        lock.unlock();
        std::memcpy(into.data(), &bytes_[first_], straight);
        std::memcpy(into.data() + straight, &bytes_[0], count - straight);
        lock.lock();
        first_ = (first_ + count) % capacity_;
        size_ -= count;
        return count;
    }

    const std::size_t capacity_;
    std::unique_ptr<char[]> bytes_;
    std::mutex mutex_;
    std::condition_variable thread_;
    asio::steady_timer* sleeper_ = nullptr;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
    bool ended_ = false; ///< by the producer, with or without an error
    bool left_ = false;  ///< the consumer
    std::optional<Error> error_;
};

namespace {

void Sleepers::shutdown()
{
    const std::scoped_lock lock(mutex_);
    for (BytePipe* pipe : pipes_) {
        pipe->forget_sleeper();
    }
    pipes_.clear();
}

Error no_writer()
{
    return {Errc::truncated, "the writer of the stream left before its end"};
}

Task<std::size_t> read_pipe(std::shared_ptr<BytePipe> pipe, std::span<char> into)
{
    for (;;) {
        if (auto got = pipe->read_some(into)) co_return *std::move(got);
        CO_CHECK(co_await BytePipe::sleep(pipe, &BytePipe::readable));
    }
}

Task<> write_pipe(std::shared_ptr<BytePipe> pipe, std::string_view data)
{
    while (!data.empty()) {
        CO_TRY(const std::size_t taken, pipe->write_some(data));
        data.remove_prefix(taken);
        if (taken == 0) {
            CO_CHECK(co_await BytePipe::sleep(pipe, &BytePipe::writable));
        }
    }
    co_return ok();
}

Task<> wait_for_reader(std::shared_ptr<BytePipe> pipe)
{
    while (!pipe->is_left()) {
        CO_CHECK(co_await BytePipe::sleep(pipe, &BytePipe::reader_has_left));
    }
    co_return ok();
}

} // namespace

ThreadWriter::~ThreadWriter()
{
    if (pipe_) pipe_->end(no_writer());
}
Result<> ThreadWriter::write(std::string_view data)
{
    return pipe_->write_blocking(data);
}
void ThreadWriter::finish() noexcept
{
    pipe_->end(std::nullopt);
}
void ThreadWriter::fail(Error error) noexcept
{
    pipe_->end(std::move(error));
}

ThreadReader::~ThreadReader()
{
    if (pipe_) pipe_->leave();
}
Result<std::size_t> ThreadReader::read(std::span<char> into)
{
    return pipe_->read_blocking(into);
}

TaskReader::~TaskReader()
{
    pipe_->leave();
}
Task<std::size_t> TaskReader::read(std::span<char> into)
{
    return read_pipe(pipe_, into);
}

TaskWriter::~TaskWriter()
{
    pipe_->end(no_writer());
}
Task<> TaskWriter::write(std::string_view data)
{
    return write_pipe(pipe_, data);
}
void TaskWriter::finish() noexcept
{
    pipe_->end(std::nullopt);
}
void TaskWriter::fail(Error error) noexcept
{
    pipe_->end(std::move(error));
}
Task<> TaskWriter::reader_left()
{
    return wait_for_reader(pipe_);
}

PipeToTask pipe_to_task(std::size_t max_bytes)
{
    auto pipe = std::make_shared<BytePipe>(max_bytes);
    return {ThreadWriter(pipe), std::make_shared<TaskReader>(pipe)};
}

PipeToThread pipe_to_thread(std::size_t max_bytes)
{
    auto pipe = std::make_shared<BytePipe>(max_bytes);
    return {std::make_shared<TaskWriter>(pipe), ThreadReader(pipe)};
}

} // namespace slipway::core
