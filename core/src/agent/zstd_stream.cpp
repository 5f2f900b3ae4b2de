#include "agent/zstd_stream.hpp"

#include <zstd.h>

#include <new>

namespace slipway::core {

namespace {

// A piece takes less than a millisecond, so that one thread can do other things meanwhile.
constexpr std::size_t zstd_piece_bytes = std::size_t{128} << 10;
constexpr int zstd_window_log = 23;
constexpr int zstd_level = 1;

Error bad_zstd(const std::string& why)
{
    return {Errc::protocol, "the sandbox's agent sent a broken compressed stream: " + why};
}

} // namespace

void CompressedSource::Free::operator()(ZSTD_CCtx_s* context) const noexcept
{
    ::ZSTD_freeCCtx(context);
}

CompressedSource::CompressedSource(engine::ByteSource& from)
    : from_(&from), context_(::ZSTD_createCCtx()), plain_(zstd_piece_bytes, '\0')
{
    if (!context_) throw std::bad_alloc();
    ::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, zstd_level);
    ::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
}

Task<std::size_t> CompressedSource::read(std::span<char> into)
{
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos == 0 && !is_done_) {
        if (rest_.empty() && !at_end_) {
            CO_TRY(const std::size_t got, co_await from_->read(std::span<char>(plain_)));
            rest_ = std::string_view(plain_).substr(0, got);
            at_end_ = got == 0;
        }
        ZSTD_inBuffer plain{rest_.data(), rest_.size(), 0};
        const std::size_t left = ::ZSTD_compressStream2(
            context_.get(), &out, &plain, at_end_ ? ZSTD_e_end : ZSTD_e_continue
        );
        if (::ZSTD_isError(left) != 0) throw std::bad_alloc(); // nothing else can go wrong with it
        rest_.remove_prefix(plain.pos);
        is_done_ = at_end_ && left == 0;
    }
    co_return out.pos;
}

void DecompressingSink::Free::operator()(ZSTD_DCtx_s* context) const noexcept
{
    ::ZSTD_freeDCtx(context);
}

DecompressingSink::DecompressingSink(engine::ByteSink& to)
    : to_(&to), context_(::ZSTD_createDCtx()), plain_(zstd_piece_bytes, '\0')
{
    if (!context_) throw std::bad_alloc();
    ::ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, zstd_window_log);
}

Task<> DecompressingSink::write(std::string_view data)
{
    ZSTD_inBuffer raw{data.data(), data.size(), 0};
    for (bool is_full = false; raw.pos < raw.size || is_full;) {
        if (is_whole_) co_return fail(bad_zstd("bytes behind its end"));
        ZSTD_outBuffer plain{plain_.data(), plain_.size(), 0};
        const std::size_t left = ::ZSTD_decompressStream(context_.get(), &plain, &raw);
        if (::ZSTD_isError(left) != 0) co_return fail(bad_zstd(::ZSTD_getErrorName(left)));
        is_whole_ = left == 0;
        is_full = !is_whole_ && plain.pos == plain.size; // it may have kept more
        if (plain.pos == 0) continue;
        CO_CHECK(co_await to_->write(std::string_view(plain_).substr(0, plain.pos)));
    }
    co_return ok();
}

Result<> DecompressingSink::finish() const
{
    if (is_whole_) return ok();
    return fail(
        Errc::truncated, "the compressed stream of the sandbox's agent ended in its middle"
    );
}

} // namespace slipway::core
