#include "archive/content_hasher.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <new>

namespace slipway::core {

namespace {

ContentHash to_content_hash(const XXH128_hash_t& hash) noexcept
{
    return {hash.high64, hash.low64};
}

} // namespace

void ContentHasher::Free::operator()(XXH3_state_s* state) const noexcept
{
    ::XXH3_freeState(state);
}

ContentHasher::ContentHasher() : state_(::XXH3_createState())
{
    if (state_ == nullptr) throw std::bad_alloc();
    ::XXH3_128bits_reset(state_.get());
}

void ContentHasher::add_zeros(std::uint64_t end)
{
    static std::array<char, std::size_t{64} << 10> zeros{}; // not const: they need no room on disk
    while (reached_ < end) {
        const std::uint64_t count = std::min<std::uint64_t>(end - reached_, zeros.size());
        ::XXH3_128bits_update(state_.get(), zeros.data(), static_cast<std::size_t>(count));
        reached_ += count;
    }
}

void ContentHasher::add(std::uint64_t offset, std::string_view bytes)
{
    add_zeros(offset);
    ::XXH3_128bits_update(state_.get(), bytes.data(), bytes.size());
    reached_ += bytes.size();
}

ContentHash ContentHasher::finish(std::uint64_t size)
{
    add_zeros(size);
    return to_content_hash(::XXH3_128bits_digest(state_.get()));
}

ContentHash content_hash(std::string_view bytes)
{
    return to_content_hash(::XXH3_128bits(bytes.data(), bytes.size()));
}

std::string bytes_of(const ContentHash& hash)
{
    std::string out;
    for (const std::uint64_t half : {hash.high, hash.low}) {
        for (int shift = 56; shift >= 0; shift -= 8) {
            out += static_cast<char>(half >> shift & 0xff);
        }
    }
    return out;
}

ContentHash hash_of(std::string_view bytes)
{
    ContentHash hash;
    std::size_t at = 0;
    for (std::uint64_t* const half : {&hash.high, &hash.low}) {
        for (int i = 0; i < 8; ++i) {
            *half = *half << 8U | static_cast<unsigned char>(bytes[at++]);
        }
    }
    return hash;
}

} // namespace slipway::core
