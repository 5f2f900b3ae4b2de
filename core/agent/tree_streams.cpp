#include "tree_streams.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <new>

namespace slipway::agent {

namespace {

constexpr std::size_t raw_bytes = std::size_t{1} << 20;
constexpr std::size_t plain_bytes = std::size_t{256} << 10;
/// 8 MiB: what a stranger's stream may make us keep.
constexpr int window_log = 23;
/// The fastest of the plain levels; others would need more of the library (CMakeLists.txt).
constexpr int level = 1;

bool write_out(std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t put = ::write(1, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
}

/// Whether a stream socket has ended because its peer is gone, and not by `shutdown`.
bool is_left(int fd)
{
    struct stat status {};
    pollfd state{fd, 0, 0};
    return ::fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) && ::poll(&state, 1, 0) > 0
           && (state.revents & POLLHUP) != 0;
}

} // namespace

void TreeInput::Free::operator()(ZSTD_DCtx_s* context) const noexcept
{
    ::ZSTD_freeDCtx(context);
}

TreeInput::TreeInput(Encoding encoding) : raw_(std::make_unique_for_overwrite<char[]>(raw_bytes))
{
    if (encoding == Encoding::plain) return;
    context_.reset(::ZSTD_createDCtx());
    if (!context_) throw std::bad_alloc();
    ::ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, window_log);
    plain_ = std::make_unique_for_overwrite<char[]>(plain_bytes);
}

bool TreeInput::fail(std::string_view problem, TreeEnd end)
{
    problem_ = problem;
    end_ = end;
    return false;
}

bool TreeInput::read_raw()
{
    ssize_t got = 0;
    do {
        got = ::read(0, raw_.get(), raw_bytes);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return fail(::strerror(errno), TreeEnd::failed);
    if (got == 0 && is_left(0)) return fail("its sender has left", TreeEnd::broken);
    raw_begin_ = 0;
    raw_size_ = static_cast<std::size_t>(got);
    return true;
}

bool TreeInput::read(std::string_view& bytes)
{
    if (context_) return decompress(bytes);
    if (!read_raw()) return false;
    bytes = {raw_.get(), raw_size_};
    return true;
}

bool TreeInput::decompress(std::string_view& bytes)
{
    ZSTD_outBuffer plain{plain_.get(), plain_bytes, 0};
    while (plain.pos == 0) {
        // Without new bytes as well: it may have kept some.
        ZSTD_inBuffer raw{raw_.get(), raw_size_, raw_begin_};
        const bool had = raw.pos < raw.size;
        if (frame_is_whole_) {
            if (had) return fail("bytes behind the end of the compressed stream", TreeEnd::broken);
            if (!read_raw()) return false;
            if (raw_size_ > 0) continue;
            bytes = {};
            return true;
        }
        const std::size_t left = ::ZSTD_decompressStream(context_.get(), &plain, &raw);
        if (::ZSTD_isError(left) != 0) return fail(::ZSTD_getErrorName(left), TreeEnd::broken);
        raw_begin_ = raw.pos;
        frame_is_whole_ = left == 0;
        if (plain.pos > 0 || frame_is_whole_ || raw_begin_ < raw_size_) continue;
        if (!read_raw()) return false;
        if (raw_size_ == 0) return fail("the compressed stream is cut", TreeEnd::broken);
    }
    bytes = {plain_.get(), plain.pos};
    return true;
}

void TreeOutput::Free::operator()(ZSTD_CCtx_s* context) const noexcept
{
    ::ZSTD_freeCCtx(context);
}

TreeOutput::TreeOutput(Encoding encoding)
{
    if (encoding == Encoding::plain) return;
    context_.reset(::ZSTD_createCCtx());
    if (!context_) throw std::bad_alloc();
    ::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
    ::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
    buffer_ = std::make_unique_for_overwrite<char[]>(plain_bytes);
}

bool TreeOutput::write(std::string_view bytes)
{
    return context_ ? compress(bytes, false) : write_out(bytes);
}

bool TreeOutput::finish()
{
    return !context_ || compress({}, true);
}

bool TreeOutput::compress(std::string_view bytes, bool last)
{
    ZSTD_inBuffer plain{bytes.data(), bytes.size(), 0};
    for (;;) {
        ZSTD_outBuffer out{buffer_.get(), plain_bytes, 0};
        const std::size_t left = ::ZSTD_compressStream2(
            context_.get(), &out, &plain, last ? ZSTD_e_end : ZSTD_e_continue
        );
        if (::ZSTD_isError(left) != 0) {
            errno = ENOMEM; // nothing else can go wrong with it
            return false;
        }
        if (!write_out({buffer_.get(), out.pos})) return false;
        if (last ? left == 0 : plain.pos == plain.size) return true;
    }
}

} // namespace slipway::agent
