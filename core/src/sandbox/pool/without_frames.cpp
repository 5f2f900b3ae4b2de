#include "sandbox/pool/road.hpp"

#include <slipway/engine/frames.hpp>

#include <algorithm>
#include <array>

namespace slipway::core::pool {

namespace {

class Unframed final : public engine::DuplexStream {
public:
    explicit Unframed(std::unique_ptr<engine::DuplexStream> framed) : framed_(std::move(framed)) {}

    Task<std::size_t> read(std::span<char> into) override
    {
        for (;;) {
            while (piece_.empty()) {
                CO_TRY(const auto next, decoder_.next(rest_));
                if (!next) break;
                if (next->output == engine::Output::out) piece_ = next->bytes;
            }
            if (!piece_.empty()) {
                const std::size_t n = std::min(piece_.size(), into.size());
                piece_.copy(into.data(), n);
                piece_.remove_prefix(n);
                co_return n;
            }
            CO_TRY(const std::size_t n, co_await framed_->read(buffer_));
            if (n == 0) {
                CO_CHECK(decoder_.finish());
                co_return 0;
            }
            rest_ = std::string_view(buffer_.data(), n);
        }
    }

    Task<> write(std::string_view data) override { return framed_->write(data); }
    Task<> shutdown_write() override { return framed_->shutdown_write(); }
    void close() noexcept override { framed_->close(); }

private:
    std::unique_ptr<engine::DuplexStream> framed_;
    engine::FrameDecoder decoder_;
    std::array<char, 65'536> buffer_{};
    std::string_view rest_;  // of the buffer, not yet decoded
    std::string_view piece_; // of the buffer, decoded and not yet given
};

} // namespace

std::unique_ptr<engine::DuplexStream> without_frames(std::unique_ptr<engine::DuplexStream> framed)
{
    return std::make_unique<Unframed>(std::move(framed));
}

} // namespace slipway::core::pool
