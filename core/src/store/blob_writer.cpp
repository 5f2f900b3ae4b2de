#include "store/blob_writer.hpp"

#include "archive/posix.hpp"
#include "store/blob_reader.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>

namespace slipway::store {

namespace posix = core::posix;

namespace {

constexpr std::size_t put_chunk = std::size_t{1} << 20U;
// Up to this size the digest is taken first: what is there already is not packed again.
constexpr std::size_t put_whole = std::size_t{4} << 20U;

Result<std::size_t> read_at(int file, char* to, std::size_t size, std::uint64_t at)
{
    std::size_t have = 0;
    while (have < size) {
        const ssize_t got = ::pread(file, to + have, size - have, static_cast<off_t>(at + have));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(posix::error(errno, "reading", "a file for the store"));
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    return have;
}

// By now: the file may change.
Result<core::Blob> blob_of_file(int file)
{
    core::Blob blob;
    core::Sha256Hasher hasher;
    std::string piece(put_chunk, '\0');
    for (;;) {
        TRY(const std::size_t got, read_at(file, piece.data(), piece.size(), blob.size));
        if (got == 0) break;
        hasher.add(std::string_view(piece).substr(0, got));
        blob.size += got;
    }
    blob.digest = hasher.finish();
    return blob;
}

} // namespace

Inserter::~Inserter()
{
    if (packing_) contexts_->give_back(std::move(packing_));
}

Result<> Inserter::write(std::string_view bytes)
{
    hasher_.add(bytes);
    trailer_.size += bytes.size();
    auto taken = take(bytes);
    hasher_.wait();
    return taken;
}

Result<> Inserter::take(std::string_view bytes)
{
    if (file_) return store(bytes);
    const std::size_t part = std::min(bytes.size(), probe_bytes - head_.size());
    head_.append(bytes.substr(0, part));
    if (head_.size() < probe_bytes) return ok();
    CHECK_OK(begin(packed(*contexts_, head_) ? Form::zstd : Form::raw));
    CHECK_OK(store(head_));
    head_ = {};
    return store(bytes.substr(part));
}

Result<> Inserter::begin(Form form)
{
    TRY(file_, base_->temp());
    trailer_.form = form;
    if (form == Form::zstd) {
        packing_ = contexts_->packing();
        out_.resize(ZSTD_CStreamOutSize());
    }
    return ok();
}

Result<> Inserter::store(std::string_view bytes)
{
    if (bytes.empty()) return ok();
    return trailer_.form == Form::raw ? store_raw(bytes) : store_packed(bytes, false);
}

Result<> Inserter::store_raw(std::string_view bytes)
{
    trailer_.stored += bytes.size();
    return file_.write(bytes);
}

Result<> Inserter::store_packed(std::string_view bytes, bool last)
{
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
        ZSTD_outBuffer out{out_.data(), out_.size(), 0};
        const std::size_t left =
            ZSTD_compressStream2(packing_.get(), &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left) != 0U) return fail(Errc::internal, ZSTD_getErrorName(left));
        CHECK_OK(store_raw(std::string_view(out_).substr(0, out.pos)));
        if (last ? left == 0 : in.pos == in.size) return ok();
    }
}

Result<core::Blob> Inserter::finish()
{
    core::Blob blob;
    blob.digest = hasher_.finish();
    blob.size = trailer_.size;
    if (has_blob(*base_, blob)) {
        file_ = TempFile();
        return blob;
    }
    if (!file_) {
        auto frame = packed(*contexts_, head_);
        CHECK_OK(begin(Form::raw));
        trailer_.form = frame ? Form::zstd : Form::raw;
        // In one piece, as most blobs are small.
        std::string bytes = frame ? *std::move(frame) : std::move(head_);
        trailer_.stored = bytes.size();
        bytes += trailer_.encode();
        CHECK_OK(file_.write(bytes));
    } else {
        if (trailer_.form == Form::zstd) {
            CHECK_OK(store_packed({}, true));
        }
        CHECK_OK(file_.write(trailer_.encode()));
    }
    CHECK_OK(base_->publish(std::move(file_), name_of(Kind::blob, blob.digest)));
    return blob;
}

Result<> publish_blob(Base& base, const core::Sha256& digest, std::string_view file)
{
    return base.write(name_of(Kind::blob, digest), file);
}

Result<core::Blob> put_bytes(Base& base, Contexts& contexts, std::string_view bytes)
{
    CHECK_OK(base.need_writable());
    if (bytes.size() > put_whole) {
        Inserter inserter(base, contexts);
        for (; !bytes.empty(); bytes.remove_prefix(std::min(put_chunk, bytes.size()))) {
            CHECK_OK(inserter.write(bytes.substr(0, put_chunk)));
        }
        return inserter.finish();
    }
    core::Blob blob;
    blob.digest = core::sha256(bytes);
    blob.size = bytes.size();
    if (has_blob(base, blob)) return blob;
    const auto frame = packed_whole(contexts, bytes);
    const std::string_view stored = frame ? std::string_view(*frame) : bytes;
    Trailer trailer;
    trailer.form = frame ? Form::zstd : Form::raw;
    trailer.size = blob.size;
    trailer.stored = stored.size();
    TRY(TempFile file, base.temp());
    if (stored.size() < probe_bytes) { // in one piece, as most blobs are small
        CHECK_OK(file.write(std::string(stored).append(trailer.encode())));
    } else {
        CHECK_OK(file.write(stored));
        CHECK_OK(file.write(trailer.encode()));
    }
    CHECK_OK(base.publish(std::move(file), name_of(Kind::blob, blob.digest)));
    return blob;
}

Result<core::Blob> put_file(Base& base, Contexts& contexts, int file)
{
    CHECK_OK(base.need_writable());
    struct stat status {};
    if (::fstat(file, &status) != 0) {
        return fail(posix::error(errno, "looking at", "a file for the store"));
    }
    const auto size = static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0));
    std::string piece(size <= put_whole ? size + 1 : put_chunk, '\0');
    TRY(std::size_t got, read_at(file, piece.data(), piece.size(), 0));
    const std::string_view begin = std::string_view(piece).substr(0, got);
    if (got < piece.size()) return put_bytes(base, contexts, begin);
    // Packing costs several times as much as a digest.
    if (packed(contexts, begin.substr(0, probe_bytes))) {
        TRY(const core::Blob blob, blob_of_file(file));
        if (has_blob(base, blob)) return blob;
    }
    Inserter inserter(base, contexts);
    for (std::uint64_t at = 0; got > 0;) {
        CHECK_OK(inserter.write(std::string_view(piece).substr(0, got)));
        at += got;
        TRY(got, read_at(file, piece.data(), piece.size(), at));
    }
    return inserter.finish();
}

} // namespace slipway::store
