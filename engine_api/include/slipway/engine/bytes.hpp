#pragma once

#include <slipway/engine/result.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace slipway::engine {

/// Bytes that are pulled: a request body, a response body, a file, a tar being made.
/// One read at a time; the buffer must live until the read ends.
///
/// A read that waits owes a cancellation its end: soon, and with Errc::cancelled. Where the source
/// of a request's body does not obey, the call ends without it, seconds after its deadline or its
/// cancellation; then the read goes on alone, and all it uses has to belong to the source, which
/// lives as long.
class ByteSource {
public:
    virtual ~ByteSource() = default;

    /// Reads 1 to `into.size()` bytes, or 0 at the clean end. After an error the source is dead.
    virtual Task<std::size_t> read(std::span<char> into) = 0;
};

/// Bytes that are pushed. One write at a time; `data` must live until the write ends.
class ByteSink {
public:
    virtual ~ByteSink() = default;

    /// Takes all of `data`, waiting for room (back pressure).
    virtual Task<> write(std::string_view data) = 0;
};

/// Both directions of one connection. A read and a write may run at the same time.
class DuplexStream : public ByteSource, public ByteSink {
public:
    /// Ends our direction; the peer's bytes can still be read (TCP half-close, TLS close_notify).
    virtual Task<> shutdown_write() = 0;

    /// Ends both directions at once; pending reads and writes return Errc::cancelled.
    virtual void close() noexcept = 0;
};

/// A source over text that is kept inside.
std::shared_ptr<ByteSource> text_source(std::string text);

/// Appends to `out`, which must outlive the sink. Fails with Errc::protocol past `max_bytes`.
class StringSink final : public ByteSink {
public:
    explicit StringSink(std::string& out, std::size_t max_bytes = std::size_t{64} << 20)
        : out_(&out), max_bytes_(max_bytes)
    {
    }
    Task<> write(std::string_view data) override;

private:
    std::string* out_;
    std::size_t max_bytes_;
};

/// Moves everything from one to the other through a buffer of 64 KiB; returns the bytes moved.
/// Both must outlive the task.
Task<std::uint64_t> copy(ByteSource& from, ByteSink& to);

} // namespace slipway::engine
