#pragma once

#include "tree.hpp"

#include <cstddef>
#include <memory>
#include <string_view>

struct ZSTD_DCtx_s;
struct ZSTD_CCtx_s;

namespace slipway::agent {

/// What comes on stdin, decompressed when it was compressed. A compressed stream is one frame of
/// zstd from its first byte to its last; its window is 8 MiB at most.
class TreeInput {
public:
    explicit TreeInput(Encoding encoding);

    /// Sets the next bytes, valid until the next call; none at the end. False: `problem` says why,
    /// and `end` how the job ends.
    bool read(std::string_view& bytes);

    std::string_view problem() const noexcept { return problem_; }
    TreeEnd end() const noexcept { return end_; }

private:
    struct Free {
        void operator()(ZSTD_DCtx_s* context) const noexcept;
    };

    bool read_raw();
    bool decompress(std::string_view& bytes);
    bool fail(std::string_view problem, TreeEnd end);

    std::unique_ptr<char[]> raw_;
    std::size_t raw_size_ = 0;
    std::size_t raw_begin_ = 0;
    std::unique_ptr<ZSTD_DCtx_s, Free> context_;
    std::unique_ptr<char[]> plain_;
    bool frame_is_whole_ = false;
    std::string_view problem_;
    TreeEnd end_ = TreeEnd::failed;
};

/// What goes to stdout, compressed when that was asked for.
class TreeOutput {
public:
    explicit TreeOutput(Encoding encoding);

    /// False: errno says why.
    bool write(std::string_view bytes);
    /// All was written.
    bool finish();

private:
    struct Free {
        void operator()(ZSTD_CCtx_s* context) const noexcept;
    };

    bool compress(std::string_view bytes, bool last);

    std::unique_ptr<ZSTD_CCtx_s, Free> context_;
    std::unique_ptr<char[]> buffer_;
};

} // namespace slipway::agent
