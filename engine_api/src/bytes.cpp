#include <slipway/engine/bytes.hpp>

#include <algorithm>
#include <array>
#include <cstring>

namespace slipway::engine {

namespace {

class TextSource final : public ByteSource {
public:
    explicit TextSource(std::string text) : text_(std::move(text)) {}

    Task<std::size_t> read(std::span<char> into) override
    {
        const std::size_t n = std::min(into.size(), text_.size() - at_);
        std::memcpy(into.data(), text_.data() + at_, n);
        at_ += n;
        co_return n;
    }

private:
    std::string text_;
    std::size_t at_ = 0;
};

} // namespace

std::shared_ptr<ByteSource> text_source(std::string text)
{
    return std::make_shared<TextSource>(std::move(text));
}

Task<> StringSink::write(std::string_view data)
{
    if (data.size() > max_bytes_ - std::min(max_bytes_, out_->size())) {
        co_return fail(
            Errc::protocol, "more than " + std::to_string(max_bytes_) + " bytes where less was due"
        );
    }
    out_->append(data);
    co_return ok();
}

Task<std::uint64_t> copy(ByteSource& from, ByteSink& to)
{
    constexpr std::size_t piece = std::size_t{64} << 10;
    const auto buffer = std::make_unique<char[]>(piece);
    std::uint64_t moved = 0;
    for (;;) {
        CO_TRY(const std::size_t n, co_await from.read(std::span(buffer.get(), piece)));
        if (n == 0) {
            co_return moved;
        }
        CO_CHECK(co_await to.write(std::string_view(buffer.get(), n)));
        moved += n;
    }
}

} // namespace slipway::engine
