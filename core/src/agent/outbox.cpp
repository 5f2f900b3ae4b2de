#include "agent/outbox.hpp"

#include <cstring>
#include <utility>

namespace slipway::core {

namespace {

constexpr std::size_t joined_bytes = std::size_t{16} << 10; // in one write of small messages
constexpr std::size_t spare_blocks = 8;

} // namespace

void Outbox::bytes(std::string text)
{
    pieces_.emplace_back().text_ = std::move(text);
    changed.notify();
}

void Outbox::message(
    agent::Type type, std::uint32_t channel, std::string_view payload, std::uint32_t tag
)
{
    const bool joins =
        !pieces_.empty() && !pieces_.back().block_ && pieces_.back().text_.size() < joined_bytes;
    if (!joins) pieces_.emplace_back();
    agent::append_message(pieces_.back().text_, type, channel, payload, tag);
    changed.notify();
}

void Outbox::message_with(
    posix::Fd descriptor,
    agent::Type type,
    std::uint32_t channel,
    std::string_view payload,
    std::uint32_t tag
)
{
    Piece& piece = pieces_.emplace_back();
    piece.descriptor_ = std::move(descriptor);
    agent::append_message(piece.text_, type, channel, payload, tag);
    changed.notify();
}

Outbox::Block Outbox::block()
{
    if (spare_.empty()) return {};
    Block block = std::move(spare_.back());
    spare_.pop_back();
    return block;
}

void Outbox::in(
    std::uint32_t channel,
    Block block,
    std::size_t size,
    std::uint32_t tag,
    std::function<void()> sent
)
{
    // The frame of an empty message, with the payload's size in its place.
    std::string frame;
    agent::append_message(frame, agent::Type::in, channel, {}, tag);
    constexpr std::size_t size_at = 8;
    for (std::size_t i = 0; i < 4; ++i) {
        frame[size_at + i] = static_cast<char>(size >> (8 * i) & 0xff);
    }
    std::memcpy(&block.bytes_[0], frame.data(), Block::before);
    std::memcpy(
        &block.bytes_[Block::before + size],
        frame.data() + Block::before,
        agent::frame_overhead - Block::before
    );
    Piece& piece = pieces_.emplace_back();
    piece.block_ = std::move(block.bytes_);
    piece.size_ = size + agent::frame_overhead;
    piece.sent_ = std::move(sent);
    changed.notify();
}

Outbox::Piece Outbox::take()
{
    Piece piece = std::move(pieces_.front());
    pieces_.pop_front();
    return piece;
}

void Outbox::done(Piece piece)
{
    if (piece.block_ && spare_.size() < spare_blocks) {
        Block block;
        block.bytes_ = std::move(piece.block_);
        spare_.push_back(std::move(block));
    }
    if (piece.sent_) piece.sent_();
}

} // namespace slipway::core
