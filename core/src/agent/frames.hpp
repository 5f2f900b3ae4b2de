#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// What a client and the agent in a sandbox say to each other: core/agent/PROTOCOL.md. Nothing here
/// does I/O, and nothing but the standard library is used: both ends are built from it.
namespace slipway::agent {

inline constexpr std::uint16_t protocol_version = 2;
inline constexpr std::size_t max_payload = 65'536;                         ///< of one frame
inline constexpr std::size_t max_message = std::size_t{4} << 20;           ///< of several frames
inline constexpr std::size_t frame_overhead = 16;                          ///< header and tag
inline constexpr std::size_t preamble_size = max_payload + frame_overhead; ///< zeros before a hello

enum class Type : std::uint8_t {
    hello = 1,
    welcome = 2,
    busy = 3,
    refused = 4,
    renew = 5,
    bye = 6,
    reset = 7,
    reset_done = 8,
    renewed = 9,
    run = 16,
    in = 17,
    window = 18,
    resize = 19,
    signal = 20,
    cancel = 21,
    started = 22,
    out = 23,
    err = 24,
    exit = 25,
    failed = 26,
};

using Nonce = std::array<char, 16>;

/// Adds a message to `to`, as one frame or as several. `in`, `out` and `err` take max_payload bytes
/// at most, others max_message.
void append_message(
    std::string& to, Type type, std::uint32_t channel, std::string_view payload, std::uint32_t tag
);

/// A message that came whole. The payload is valid until the reader is used again.
struct Message {
    Type type;
    std::uint32_t channel;
    std::string_view payload;
};

/// Takes bytes as they come and gives messages. What is no frame of the session is skipped: an
/// agent waits for a hello, and takes one at any time for the begin of a new session; a client
/// waits for the answer that has its nonce.
class FrameReader {
public:
    /// An agent's.
    FrameReader() = default;
    /// A client's, after it sent a hello with this tag and nonce.
    FrameReader(std::uint32_t tag, const Nonce& nonce) : tag_(tag), nonce_(nonce), client_(true) {}

    /// Room for up to `wanted` bytes to be read into; valid until the next call. At least one.
    std::span<char> room(std::size_t wanted = max_payload + frame_overhead);
    /// So many of them have been filled.
    void filled(std::size_t bytes);
    /// The same for bytes that stand elsewhere.
    void feed(std::string_view bytes);

    /// The next message, or nothing until more bytes have come.
    std::optional<Message> next();

    /// The session's tag: that of the last hello for an agent, 0 before one.
    std::uint32_t tag() const noexcept { return tag_; }
    /// Bytes that were no part of a frame of the session, since it began. On a connection of its
    /// own any is a broken peer.
    std::uint64_t skipped() const noexcept { return skipped_; }

private:
    struct Frame {
        Type type;
        std::uint8_t flags;
        std::uint32_t channel;
        std::string_view payload;
        std::uint32_t tag;
    };

    std::string_view rest() const noexcept
    {
        return std::string_view(buffer_).substr(begin_, end_ - begin_);
    }
    void skip(std::size_t bytes) noexcept;
    std::optional<Frame> frame();
    bool find_answer();

    std::string buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::string message_; ///< of several frames, as far as it has come
    std::optional<Type> begun_;
    std::uint32_t begun_channel_ = 0;
    std::uint32_t tag_ = 0;
    std::uint64_t skipped_ = 0;
    Nonce nonce_{};
    bool client_ = false;
    bool found_ = false; ///< a client has seen its answer
};

} // namespace slipway::agent
