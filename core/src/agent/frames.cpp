#include "agent/frames.hpp"

#include "agent/codec.hpp"

#include <algorithm>
#include <cstring>

namespace slipway::agent {

namespace {

constexpr char mark = 0x53;
constexpr std::size_t header_size = 12;
constexpr std::uint8_t continues = 1;

bool known(std::uint8_t type)
{
    return (type >= 1 && type <= 9) || (type >= 16 && type <= 26);
}

std::uint8_t byte_at(std::string_view bytes, std::size_t at)
{
    return static_cast<std::uint8_t>(bytes[at]);
}

std::uint32_t number_at(std::string_view bytes, std::size_t at)
{
    Reader reader(bytes.substr(at, 4));
    std::uint32_t value = 0;
    reader(value);
    return value;
}

// Whether the bytes, as far as they are there, begin as a frame does.
bool may_be_header(std::string_view bytes)
{
    if (bytes[0] != mark) return false;
    if (bytes.size() > 1 && !known(byte_at(bytes, 1))) return false;
    if (bytes.size() > 2 && byte_at(bytes, 2) > continues) return false;
    if (bytes.size() > 3 && byte_at(bytes, 3) != 0) return false;
    return bytes.size() < header_size || number_at(bytes, 8) <= max_payload;
}

void append_frame(
    std::string& to,
    Type type,
    std::uint8_t flags,
    std::uint32_t channel,
    std::string_view payload,
    std::uint32_t tag
)
{
    Writer writer(to);
    to += mark;
    writer(static_cast<std::uint8_t>(type));
    writer(flags);
    to += '\0';
    writer(channel);
    writer(static_cast<std::uint32_t>(payload.size()));
    to += payload;
    writer(tag);
}

} // namespace

void append_message(
    std::string& to, Type type, std::uint32_t channel, std::string_view payload, std::uint32_t tag
)
{
    while (payload.size() > max_payload) {
        append_frame(to, type, continues, channel, payload.substr(0, max_payload), tag);
        payload.remove_prefix(max_payload);
    }
    append_frame(to, type, 0, channel, payload, tag);
}

std::span<char> FrameReader::room(std::size_t wanted)
{
    if (begin_ == end_) {
        begin_ = end_ = 0;
    } else if (begin_ > 0 && buffer_.size() - end_ < wanted) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    if (buffer_.size() - end_ < wanted) buffer_.resize(end_ + wanted);
    return std::span(buffer_).subspan(end_, wanted);
}

void FrameReader::filled(std::size_t bytes)
{
    end_ += bytes;
}

void FrameReader::feed(std::string_view bytes)
{
    if (bytes.empty()) return;
    std::memcpy(room(bytes.size()).data(), bytes.data(), bytes.size());
    filled(bytes.size());
}

void FrameReader::skip(std::size_t bytes) noexcept
{
    begin_ += bytes;
    skipped_ += bytes;
}

// Skips to the frame that answers our hello; what an earlier session left may look like anything,
// but it cannot have the nonce.
bool FrameReader::find_answer()
{
    const std::string_view nonce(nonce_.data(), nonce_.size());
    const std::string_view bytes = rest();
    const std::size_t at = bytes.find(nonce);
    if (at == std::string_view::npos) {
        const std::size_t kept = header_size + nonce.size() - 1;
        if (bytes.size() > kept) skip(bytes.size() - kept);
        return false;
    }
    if (at < header_size || !may_be_header(bytes.substr(at - header_size))) {
        skip(at + 1);
        return find_answer();
    }
    skip(at - header_size);
    found_ = true;
    skipped_ = 0;
    return true;
}

std::optional<FrameReader::Frame> FrameReader::frame()
{
    while (begin_ < end_) {
        const std::string_view bytes = rest();
        if (!may_be_header(bytes)) {
            const auto next_mark = bytes.find(mark, 1);
            skip(next_mark == std::string_view::npos ? bytes.size() : next_mark);
            continue;
        }
        if (bytes.size() < header_size) return std::nullopt;
        const std::size_t size = number_at(bytes, 8);
        if (bytes.size() < size + frame_overhead) return std::nullopt;
        Frame frame{};
        frame.type = static_cast<Type>(byte_at(bytes, 1));
        frame.flags = byte_at(bytes, 2);
        frame.channel = number_at(bytes, 4);
        frame.payload = bytes.substr(header_size, size);
        frame.tag = number_at(bytes, header_size + size);
        const bool begins = !client_ && frame.type == Type::hello && frame.tag != 0
                            && frame.channel == 0 && frame.flags == 0;
        if (!begins && (frame.tag != tag_ || tag_ == 0 || frame.type == Type::hello)) {
            // Begun by a client that has left, and filled up by the next one: as a whole no frame,
            // whatever stands in it.
            skip(size + frame_overhead);
            continue;
        }
        begin_ += size + frame_overhead;
        if (begins) {
            tag_ = frame.tag;
            skipped_ = 0;
        }
        return frame;
    }
    return std::nullopt;
}

std::optional<Message> FrameReader::next()
{
    if (!begun_) message_.clear();
    if (client_ && !found_ && !find_answer()) return std::nullopt;
    while (const auto frame = this->frame()) {
        if (frame->type == Type::hello) begun_.reset(); // what came before is over
        if (!begun_ && frame->flags == 0) {
            return Message{frame->type, frame->channel, frame->payload};
        }
        const bool goes_on = !begun_ || (begun_ == frame->type && begun_channel_ == frame->channel);
        if (!goes_on || message_.size() + frame->payload.size() > max_message) {
            // Nobody sends that: the peer is broken, which `skipped` tells.
            skipped_ += message_.size() + frame->payload.size() + frame_overhead;
            begun_.reset();
            message_.clear();
            continue;
        }
        if (!begun_) message_.clear();
        begun_ = frame->type;
        begun_channel_ = frame->channel;
        message_ += frame->payload;
        if (frame->flags == 0) {
            begun_.reset();
            return Message{frame->type, frame->channel, message_};
        }
    }
    return std::nullopt;
}

} // namespace slipway::agent
