#pragma once

#include <slipway/engine/bytes.hpp>
#include <slipway/engine/result.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace slipway::core {

/// A bounded byte channel between one blocking thread and one coroutine. It has two ends and one
/// direction: `pipe_to_task` carries what a thread makes, `pipe_to_thread` what a thread eats.
///
/// The ends may be destroyed in any order and on any thread. When the producer fails, the consumer
/// gets that error at once, before bytes that still wait. When the consumer leaves, the producer's
/// next (or blocked) write returns Errc::cancelled. The coroutine's waits end with Errc::cancelled
/// when its cancellation slot is emitted; the channel itself stays usable.
class BytePipe;

inline constexpr std::size_t default_pipe_bytes = std::size_t{1} << 20;

/// The producing end for a thread. One write at a time.
class ThreadWriter {
public:
    explicit ThreadWriter(std::shared_ptr<BytePipe> pipe) noexcept : pipe_(std::move(pipe)) {}
    ThreadWriter(ThreadWriter&&) noexcept = default;
    ThreadWriter& operator=(ThreadWriter&&) = delete;
    /// Without `finish` or `fail` before, the consumer gets Errc::truncated.
    ~ThreadWriter();

    /// Takes all of `data`, blocking while the channel is full.
    Result<> write(std::string_view data);
    /// The clean end: the consumer reads what waits, then 0.
    void finish() noexcept;
    /// Ends the stream with `error`.
    void fail(Error error) noexcept;

private:
    std::shared_ptr<BytePipe> pipe_;
};

/// The consuming end for a thread. One read at a time.
class ThreadReader {
public:
    explicit ThreadReader(std::shared_ptr<BytePipe> pipe) noexcept : pipe_(std::move(pipe)) {}
    ThreadReader(ThreadReader&&) noexcept = default;
    ThreadReader& operator=(ThreadReader&&) = delete;
    ~ThreadReader();

    /// Blocks for 1 to `into.size()` bytes; 0 at the clean end.
    Result<std::size_t> read(std::span<char> into);

private:
    std::shared_ptr<BytePipe> pipe_;
};

/// The consuming end for a coroutine.
class TaskReader final : public engine::ByteSource {
public:
    explicit TaskReader(std::shared_ptr<BytePipe> pipe) noexcept : pipe_(std::move(pipe)) {}
    TaskReader(const TaskReader&) = delete;
    TaskReader& operator=(const TaskReader&) = delete;
    ~TaskReader() override;

    Task<std::size_t> read(std::span<char> into) override;

private:
    std::shared_ptr<BytePipe> pipe_;
};

/// The producing end for a coroutine.
class TaskWriter final : public engine::ByteSink {
public:
    explicit TaskWriter(std::shared_ptr<BytePipe> pipe) noexcept : pipe_(std::move(pipe)) {}
    TaskWriter(const TaskWriter&) = delete;
    TaskWriter& operator=(const TaskWriter&) = delete;
    /// Without `finish` or `fail` before, the consumer gets Errc::truncated.
    ~TaskWriter() override;

    Task<> write(std::string_view data) override;
    /// The clean end: the consumer reads what waits, then 0.
    void finish() noexcept;
    /// Ends the stream with `error`.
    void fail(Error error) noexcept;
    /// Ends when the consumer has left, which tells that the thread is done with the bytes.
    Task<> reader_left();

private:
    std::shared_ptr<BytePipe> pipe_;
};

struct PipeToTask {
    ThreadWriter writer;
    std::shared_ptr<TaskReader> reader;
};
/// `max_bytes` (at least 1) is the most that waits inside.
PipeToTask pipe_to_task(std::size_t max_bytes = default_pipe_bytes);

struct PipeToThread {
    std::shared_ptr<TaskWriter> writer;
    ThreadReader reader;
};
/// `max_bytes` (at least 1) is the most that waits inside.
PipeToThread pipe_to_thread(std::size_t max_bytes = default_pipe_bytes);

} // namespace slipway::core
