#include "one_line.hpp"

#include <slipway/engine/frames.hpp>

#include <algorithm>
#include <vector>

namespace slipway::engine {

namespace {

constexpr unsigned char type_err = 2;
constexpr unsigned char type_failure = 3;
constexpr std::size_t max_failure_bytes = 8192;

} // namespace

Result<> FrameDecoder::read_header()
{
    header_bytes_ = 0;
    type_ = header_[0];
    if (type_ > type_failure || header_[1] != 0 || header_[2] != 0 || header_[3] != 0) {
        return fail(
            Errc::protocol,
            "the stream is not framed: a header starts with bytes " + std::to_string(header_[0])
                + " " + std::to_string(header_[1]) + " " + std::to_string(header_[2]) + " "
                + std::to_string(header_[3])
        );
    }
    payload_left_ = 0;
    for (std::size_t i = 4; i < header_.size(); ++i) {
        payload_left_ = payload_left_ << 8U | header_[i];
    }
    if (type_ == type_failure && payload_left_ == 0) return fail(system_error());
    return ok();
}

Error FrameDecoder::system_error() const
{
    std::string text = one_line(failure_);
    if (text.empty()) text = "the engine's stream failed, and it gave no reason";
    return Error(Errc::engine, std::move(text));
}

Result<std::optional<FramePiece>> FrameDecoder::next(std::string_view& input)
{
    while (!input.empty()) {
        if (payload_left_ == 0) {
            header_[header_bytes_++] = static_cast<unsigned char>(input.front());
            input.remove_prefix(1);
            if (header_bytes_ == header_.size()) {
                CHECK_OK(read_header());
            }
            continue;
        }
        const std::string_view piece = input.substr(0, payload_left_);
        input.remove_prefix(piece.size());
        payload_left_ -= static_cast<std::uint32_t>(piece.size());
        if (type_ != type_failure) {
            return FramePiece{type_ == type_err ? Output::err : Output::out, piece};
        }
        failure_ += piece.substr(0, max_failure_bytes - failure_.size());
        // More than a message has no use, however much the header announces.
        if (payload_left_ == 0 || failure_.size() == max_failure_bytes) return fail(system_error());
    }
    return std::nullopt;
}

Result<> FrameDecoder::finish() const
{
    if (payload_left_ > 0 && type_ == type_failure) return fail(system_error());
    if (payload_left_ > 0) {
        return fail(
            Errc::truncated,
            "the stream ended " + std::to_string(payload_left_) + " bytes before the end of a frame"
        );
    }
    if (header_bytes_ > 0) {
        return fail(Errc::truncated, "the stream ended inside the header of a frame");
    }
    return ok();
}

Task<> demultiplex(ByteSource& framed, ByteSink& out, ByteSink& err)
{
    std::vector<char> buffer(std::size_t{64} << 10U);
    FrameDecoder decoder;
    for (;;) {
        CO_TRY(const std::size_t count, co_await framed.read(buffer));
        if (count == 0) co_return decoder.finish();
        std::string_view input(buffer.data(), count);
        for (;;) {
            CO_TRY(const auto piece, decoder.next(input));
            if (!piece) break;
            ByteSink& sink = piece->output == Output::out ? out : err;
            CO_CHECK(co_await sink.write(piece->bytes));
        }
    }
}

} // namespace slipway::engine
