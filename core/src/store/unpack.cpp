#include "store/aside_hasher.hpp"
#include "store/blob_reader.hpp"

#include <zstd.h>

#include <algorithm>
#include <array>

namespace slipway::store {

namespace {

constexpr std::size_t out_chunk = std::size_t{512} << 10U;
constexpr std::size_t in_chunk = std::size_t{256} << 10U;

// Two buffers: while one is hashed the next is filled.
class Pair {
public:
    explicit Pair(std::uint64_t size)
    {
        const auto each = static_cast<std::size_t>(std::clamp<std::uint64_t>(size, 1, out_chunk));
        buffers_[0].resize(each);
        if (size > each) buffers_[1].resize(each);
    }
    std::string& next()
    {
        at_ = buffers_[1].empty() ? 0 : 1 - at_;
        return buffers_.at(at_);
    }

private:
    std::array<std::string, 2> buffers_;
    std::size_t at_ = 0;
};

// Takes the pieces of a blob.
class Checked {
public:
    Checked(const core::Blob& blob, const Sink& to) : blob_(&blob), to_(&to) {}

    std::uint64_t room() const noexcept { return blob_->size - size_; }
    Result<> add(std::string_view piece)
    {
        if (piece.empty()) return ok();
        hasher_.add(piece);
        size_ += piece.size();
        return (*to_)(piece);
    }
    bool is_good() { return size_ == blob_->size && hasher_.finish() == blob_->digest; }
    void wait() { hasher_.wait(); }

private:
    const core::Blob* blob_;
    const Sink* to_;
    AsideHasher hasher_;
    std::uint64_t size_ = 0;
};

Result<bool> copy_raw(Checked& checked, Pair& pair, const Source& from)
{
    while (checked.room() > 0) {
        std::string& buffer = pair.next();
        const auto want = std::min<std::uint64_t>(buffer.size(), checked.room());
        TRY(const std::size_t got, from(buffer.data(), static_cast<std::size_t>(want)));
        if (got == 0) return false;
        CHECK_OK(checked.add(std::string_view(buffer).substr(0, got)));
    }
    return checked.is_good();
}

Result<bool> copy_packed(
    Checked& checked, Pair& pair, ZSTD_DCtx_s* context, std::uint64_t stored, const Source& from
)
{
    std::string packed(static_cast<std::size_t>(std::min<std::uint64_t>(stored, in_chunk)), '\0');
    ZSTD_inBuffer in{packed.data(), 0, 0};
    std::string* buffer = &pair.next();
    ZSTD_outBuffer out{buffer->data(), buffer->size(), 0};
    for (;;) {
        if (in.pos == in.size && stored > 0) {
            const auto want = std::min<std::uint64_t>(packed.size(), stored);
            TRY(const std::size_t got, from(packed.data(), static_cast<std::size_t>(want)));
            if (got == 0) return false;
            stored -= got;
            in = ZSTD_inBuffer{packed.data(), got, 0};
        }
        const std::size_t before = out.pos + in.pos;
        const std::size_t left = ZSTD_decompressStream(context, &out, &in);
        if (ZSTD_isError(left) != 0U) return false;
        if (out.pos > checked.room()) return false; // more than there should be
        const bool whole = left == 0;
        if (whole || out.pos == out.size) {
            CHECK_OK(checked.add(std::string_view(*buffer).substr(0, out.pos)));
            if (whole) return in.pos == in.size && stored == 0 && checked.is_good();
            buffer = &pair.next();
            out = ZSTD_outBuffer{buffer->data(), buffer->size(), 0};
        } else if (in.pos == in.size && stored == 0 && out.pos + in.pos == before) {
            return false; // it goes on, but there is no more
        }
    }
}

} // namespace

Result<bool> unpack(
    Contexts& contexts,
    const core::Blob& blob,
    const Trailer& trailer,
    const Source& from,
    const Sink& to
)
{
    if (trailer.size != blob.size) return false;
    Pair pair(blob.size);
    Checked checked(blob, to); // ends before the buffers that it borrows
    if (trailer.form == Form::raw) return copy_raw(checked, pair, from);
    auto context = contexts.unpacking();
    auto good = copy_packed(checked, pair, context.get(), trailer.stored, from);
    checked.wait();
    contexts.give_back(std::move(context));
    return good;
}

} // namespace slipway::store
