#pragma once

#include <slipway/engine/bytes.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>

namespace slipway::core {

/// What is written at one end is read at the other, by two coroutines of one thread. Nothing is
/// stored: a write ends when all of it has been read.
struct Relay {
    class Middle;
    std::shared_ptr<Middle> middle;

    explicit Relay(const boost::asio::any_io_executor& executor);

    /// Borrowed; lives as long as a copy of this. One write at a time.
    engine::ByteSink& sink() const;
    /// The writer is done, for better or worse: the reader gets that once all has been read.
    void finish(Result<> how) const;
    /// 1 to `into.size()` bytes, 0 after the end. One read at a time.
    Task<std::size_t> read(std::span<char> into) const;
    /// The reader has left: a write that waits, and any later one, gives Errc::cancelled.
    void leave() const;
};

/// What `write` writes into its sink, as a source; it begins at once, and ends when the source is
/// dropped. `write` gives the error that the reader gets.
std::shared_ptr<engine::ByteSource> written_by(
    const boost::asio::any_io_executor& executor, std::function<Task<>(engine::ByteSink&)> write
);

} // namespace slipway::core
