#pragma once

#include "agent/event.hpp"
#include "agent/frames.hpp"
#include "archive/posix.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// The frames that wait to be sent to an agent, in their order. Small messages are joined to one
/// write; bytes of stdin are read into the place from which they are sent.
class Outbox {
public:
    explicit Outbox(const boost::asio::any_io_executor& executor) : changed(executor) {}

    /// Room for the payload of one frame, with that for what stands around it.
    class Block {
    public:
        Block() : bytes_(std::make_unique_for_overwrite<char[]>(whole)) {}
        std::span<char> room() { return {&bytes_[before], agent::max_payload}; }

    private:
        friend class Outbox;
        static constexpr std::size_t before = 12;
        static constexpr std::size_t whole = agent::max_payload + agent::frame_overhead;
        std::unique_ptr<char[]> bytes_;
    };

    /// What goes out with one write.
    class Piece {
    public:
        std::string_view bytes() const
        {
            return block_ ? std::string_view(block_.get(), size_) : text_;
        }
        /// What the agent gets with its first byte; -1: nothing.
        int descriptor() const noexcept { return descriptor_.get(); }

    private:
        friend class Outbox;
        std::string text_;
        std::unique_ptr<char[]> block_;
        std::size_t size_ = 0;
        std::function<void()> sent_;
        posix::Fd descriptor_;
    };

    bool empty() const noexcept { return pieces_.empty(); }

    /// Bytes that are no frame: what a session begins with.
    void bytes(std::string text);
    void
    message(agent::Type type, std::uint32_t channel, std::string_view payload, std::uint32_t tag);
    /// The same, with a descriptor for the agent.
    void message_with(
        posix::Fd descriptor,
        agent::Type type,
        std::uint32_t channel,
        std::string_view payload,
        std::uint32_t tag
    );
    /// A block for `in`.
    Block block();
    /// The first `size` bytes of its room. `sent` is called when they have been written.
    void
    in(std::uint32_t channel,
       Block block,
       std::size_t size,
       std::uint32_t tag,
       std::function<void()> sent);

    /// The first piece; there is one.
    Piece take();
    /// It has been written.
    void done(Piece piece);

    Event changed; ///< no longer empty

private:
    std::deque<Piece> pieces_;
    std::vector<Block> spare_;
};

} // namespace slipway::core
