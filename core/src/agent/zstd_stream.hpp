#pragma once

#include <slipway/engine/bytes.hpp>

#include <memory>
#include <string>
#include <string_view>

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace slipway::core {

/// What another source gives, compressed: one frame of zstd with a checksum.
class CompressedSource final : public engine::ByteSource {
public:
    /// `from` is borrowed.
    explicit CompressedSource(engine::ByteSource& from);

    Task<std::size_t> read(std::span<char> into) override;

private:
    struct Free {
        void operator()(ZSTD_CCtx_s* context) const noexcept;
    };

    engine::ByteSource* from_;
    std::unique_ptr<ZSTD_CCtx_s, Free> context_;
    std::string plain_;
    std::string_view rest_; ///< of `plain_`
    bool at_end_ = false;   ///< of what is compressed
    bool is_done_ = false;
};

/// Gives another sink what one frame of zstd has. Takes 8 MiB of memory at most, whatever comes.
class DecompressingSink final : public engine::ByteSink {
public:
    /// `to` is borrowed.
    explicit DecompressingSink(engine::ByteSink& to);

    /// Errors: protocol (no zstd, a broken frame, bytes behind it), those of the other sink.
    Task<> write(std::string_view data) override;
    /// After the last write. Errors: truncated.
    Result<> finish() const;

private:
    struct Free {
        void operator()(ZSTD_DCtx_s* context) const noexcept;
    };

    engine::ByteSink* to_;
    std::unique_ptr<ZSTD_DCtx_s, Free> context_;
    std::string plain_;
    bool is_whole_ = false;
};

} // namespace slipway::core
