#include "graph/unit_log.hpp"

#include <algorithm>

namespace slipway::core::graph {

namespace {

// A piece: the stream's number, the size of what follows in four bytes, the lowest first.
constexpr std::size_t piece_head = 5;
constexpr std::string_view cut_text = "\n[slipway: the rest of the output was left out]\n";

void set_size(std::string& bytes, std::size_t at, std::size_t size)
{
    for (std::size_t i = 0; i < 4; ++i) {
        bytes[at + 1 + i] = static_cast<char>(size >> (8 * i) & 0xff);
    }
}

std::size_t size_at(std::string_view bytes, std::size_t at)
{
    std::size_t size = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        size |= static_cast<std::size_t>(static_cast<unsigned char>(bytes[at + 1 + i])) << (8 * i);
    }
    return size;
}

} // namespace

void UnitLog::add(UnitStream stream, std::string_view bytes)
{
    if (cut_ || bytes.empty()) return;
    if (bytes_.size() + bytes.size() > most) {
        bytes = bytes.substr(0, most - std::min(most, bytes_.size()));
        cut_ = true;
    }
    const bool same = last_ != std::string::npos && bytes_[last_] == static_cast<char>(stream);
    if (!same) {
        last_ = bytes_.size();
        bytes_.push_back(static_cast<char>(stream));
        bytes_.append(piece_head - 1, '\0');
    }
    bytes_ += bytes;
    if (cut_) bytes_ += cut_text;
    set_size(bytes_, last_, bytes_.size() - last_ - piece_head);
}

Task<> UnitLogSink::write(std::string_view data)
{
    log_->add(stream_, data);
    co_return ok();
}

bool read_log(std::string_view bytes, const std::function<void(UnitStream, std::string_view)>& each)
{
    while (!bytes.empty()) {
        if (bytes.size() < piece_head) return false;
        const auto stream = static_cast<UnitStream>(bytes.front());
        const std::size_t size = size_at(bytes, 0);
        const bool known = stream == UnitStream::out || stream == UnitStream::err;
        if (!known || bytes.size() - piece_head < size) return false;
        each(stream, bytes.substr(piece_head, size));
        bytes.remove_prefix(piece_head + size);
    }
    return true;
}

} // namespace slipway::core::graph
