#include "store/blob_form.hpp"

#include "agent/codec.hpp"
#include "archive/content_hasher.hpp"

#include <zstd.h>

#include <new>

namespace slipway::store {

namespace {

constexpr std::string_view trailer_magic = "slipblob";
constexpr std::uint8_t trailer_version = 1;
constexpr int packing_level = 1;
// Frames of ours have less; others could ask for gigabytes.
constexpr int window_log_max = 23;

std::uint32_t check_of(const Trailer& trailer)
{
    std::string bytes;
    agent::Writer write(bytes);
    write(trailer_version);
    write(static_cast<std::uint8_t>(trailer.form));
    write(trailer.size);
    write(trailer.stored);
    return static_cast<std::uint32_t>(core::content_hash(bytes).low);
}

std::optional<std::string> one_frame(Contexts& contexts, std::string_view bytes)
{
    std::string out(ZSTD_compressBound(bytes.size()), '\0');
    auto context = contexts.packing();
    const std::size_t size =
        ZSTD_compress2(context.get(), out.data(), out.size(), bytes.data(), bytes.size());
    if (ZSTD_isError(size) != 0U) return std::nullopt;
    contexts.give_back(std::move(context));
    out.resize(size);
    return out;
}

} // namespace

std::string Trailer::encode() const
{
    std::string out(trailer_magic);
    agent::Writer write(out);
    write(trailer_version);
    write(static_cast<std::uint8_t>(form));
    write(std::uint16_t{0});
    write(check_of(*this));
    write(size);
    write(stored);
    return out;
}

std::optional<Trailer> Trailer::decode(std::string_view bytes)
{
    if (bytes.size() != Trailer::bytes || !bytes.starts_with(trailer_magic)) return std::nullopt;
    agent::Reader read(bytes.substr(trailer_magic.size()));
    std::uint8_t version = 0;
    std::uint8_t form = 0;
    std::uint16_t zero = 0;
    std::uint32_t check = 0;
    Trailer trailer;
    read(version);
    read(form);
    read(zero);
    read(check);
    read(trailer.size);
    read(trailer.stored);
    trailer.form = form == 0 ? Form::raw : Form::zstd;
    // Encoded again it tells of all fields at once.
    if (trailer.encode() != bytes) return std::nullopt;
    if (trailer.form == Form::raw && trailer.size != trailer.stored) return std::nullopt;
    return trailer;
}

void Contexts::Free::operator()(ZSTD_CCtx_s* context) const noexcept
{
    ZSTD_freeCCtx(context);
}

void Contexts::Free::operator()(ZSTD_DCtx_s* context) const noexcept
{
    ZSTD_freeDCtx(context);
}

Contexts::Packing Contexts::packing()
{
    {
        const std::scoped_lock lock(mutex_);
        if (!packing_.empty()) {
            Packing context = std::move(packing_.back());
            packing_.pop_back();
            ZSTD_CCtx_reset(context.get(), ZSTD_reset_session_only);
            return context;
        }
    }
    Packing context(ZSTD_createCCtx());
    if (!context) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, packing_level);
    return context;
}

Contexts::Unpacking Contexts::unpacking()
{
    {
        const std::scoped_lock lock(mutex_);
        if (!unpacking_.empty()) {
            Unpacking context = std::move(unpacking_.back());
            unpacking_.pop_back();
            ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_only);
            return context;
        }
    }
    Unpacking context(ZSTD_createDCtx());
    if (!context) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, window_log_max);
    return context;
}

void Contexts::give_back(Packing context)
{
    const std::scoped_lock lock(mutex_);
    packing_.push_back(std::move(context));
}

void Contexts::give_back(Unpacking context)
{
    const std::scoped_lock lock(mutex_);
    unpacking_.push_back(std::move(context));
}

std::optional<std::string> packed(Contexts& contexts, std::string_view head)
{
    if (head.size() < least_packed) return std::nullopt;
    auto out = one_frame(contexts, head);
    // An eighth less is the least that pays for unpacking.
    if (out && out->size() > head.size() - head.size() / 8) out.reset();
    return out;
}

std::optional<std::string> packed_whole(Contexts& contexts, std::string_view bytes)
{
    auto out = packed(contexts, bytes.substr(0, probe_bytes));
    if (out && bytes.size() > probe_bytes) out = one_frame(contexts, bytes);
    return out;
}

} // namespace slipway::store
