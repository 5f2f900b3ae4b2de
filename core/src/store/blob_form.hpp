#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

/// How a blob is stored: its bytes, packed by zstd where that helps, and behind them 32 bytes that
/// tell how. They stand at the end so that a file system can clone the bytes in front of them.
namespace slipway::store {

enum class Form : std::uint8_t { raw, zstd };

struct Trailer {
    Form form = Form::raw;
    std::uint64_t size = 0;   ///< of the bytes themselves
    std::uint64_t stored = 0; ///< of what stands before the trailer

    static constexpr std::size_t bytes = 32;

    std::string encode() const;
    /// Nothing when it is damaged: any other bytes than those of `encode`.
    static std::optional<Trailer> decode(std::string_view bytes);
};

/// So much of a blob's begin tells whether to pack it.
inline constexpr std::size_t probe_bytes = std::size_t{64} << 10U;
/// What is smaller is not worth it.
inline constexpr std::size_t least_packed = std::size_t{4} << 10U;

/// zstd's contexts, which are dear to make.
class Contexts {
public:
    struct Free {
        void operator()(ZSTD_CCtx_s* context) const noexcept;
        void operator()(ZSTD_DCtx_s* context) const noexcept;
    };
    using Packing = std::unique_ptr<ZSTD_CCtx_s, Free>;
    using Unpacking = std::unique_ptr<ZSTD_DCtx_s, Free>;

    Packing packing();
    Unpacking unpacking();
    /// For the next one.
    void give_back(Packing context);
    void give_back(Unpacking context);

private:
    std::mutex mutex_;
    std::vector<Packing> packing_;
    std::vector<Unpacking> unpacking_;
};

/// The first bytes of a blob (all, if there are fewer than `probe_bytes`) as one frame; nothing
/// when packing does not help.
std::optional<std::string> packed(Contexts& contexts, std::string_view head);
/// The same of a whole blob. Its begin tells whether packing helps, as where it comes in pieces.
std::optional<std::string> packed_whole(Contexts& contexts, std::string_view bytes);

} // namespace slipway::store
