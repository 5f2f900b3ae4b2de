#include "store/blob_reader.hpp"

#include "archive/posix.hpp"
#include "store/blob_writer.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace slipway::store {

namespace posix = core::posix;

namespace {

// A clone of less costs more than a copy.
constexpr std::uint64_t worth_a_clone = std::uint64_t{64} << 10U;

Error not_there(const core::Blob& blob)
{
    return {Errc::not_found, "the store has no blob " + core::to_hex(blob.digest)};
}

enum class Opened { missing, damaged, whole };

Result<Opened> open_file(const Base& base, const core::Sha256& digest, OpenBlob& open)
{
    open.name = name_of(Kind::blob, digest);
    constexpr int how = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    open.fd = Fd(::openat(base.top(), open.name.c_str(), how));
    if (!open.fd && errno == ENOENT) return Opened::missing;
    if (!open.fd || ::fstat(open.fd.get(), &open.status) != 0) {
        return fail(posix::error(errno, "opening", base.shown(open.name)));
    }
    const auto size = static_cast<std::uint64_t>(open.status.st_size);
    std::array<char, Trailer::bytes> end{};
    if (!S_ISREG(open.status.st_mode) || size < end.size()) return Opened::damaged;
    const auto at = static_cast<off_t>(size - end.size());
    if (::pread(open.fd.get(), end.data(), end.size(), at) < 0) {
        return fail(posix::error(errno, "reading", base.shown(open.name)));
    }
    const auto trailer = Trailer::decode(std::string_view(end.data(), end.size()));
    if (!trailer || trailer->stored != size - end.size()) return Opened::damaged;
    open.trailer = *trailer;
    return Opened::whole;
}

// What the file has in front of its trailer.
Source bytes_of_blob(const OpenBlob& open)
{
    return
        [&open, at = std::uint64_t{0}](char* to, std::size_t size) mutable -> Result<std::size_t> {
            const std::uint64_t left = open.trailer.stored - at;
            size = static_cast<std::size_t>(std::min<std::uint64_t>(size, left));
            for (;;) {
                const ssize_t got = ::pread(open.fd.get(), to, size, static_cast<off_t>(at));
                if (got < 0 && errno == EINTR) continue;
                if (got < 0) return fail(posix::error(errno, "reading", open.name));
                at += static_cast<std::uint64_t>(got);
                return static_cast<std::size_t>(got);
            }
        };
}

Result<> write_all_at(int file, std::string_view bytes, std::uint64_t at)
{
    while (!bytes.empty()) {
        const ssize_t put = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(at));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return fail(posix::error(errno, "writing", "a file from the store"));
        bytes.remove_prefix(static_cast<std::size_t>(put));
        at += static_cast<std::uint64_t>(put);
    }
    return ok();
}

// One that counts as used; not_found else.
Result<OpenBlob> open_to_use(Base& base, const core::Blob& blob)
{
    TRY(auto open, open_blob(base, blob));
    if (!open || !base.use(open->name, posix::mtime_ns(open->status))) return fail(not_there(blob));
    return *std::move(open);
}

Result<> read_open(
    const Base& base,
    Contexts& contexts,
    const core::Blob& blob,
    const OpenBlob& open,
    const Sink& to
)
{
    TRY(const bool good, unpack(contexts, blob, open.trailer, bytes_of_blob(open), to));
    if (good) return ok();
    base.drop(open.name, open.status);
    return fail(not_there(blob));
}

Result<>
fill(const Base& base, Contexts& contexts, const core::Blob& blob, const OpenBlob& open, int file)
{
    if (open.trailer.form == Form::raw && blob.size >= worth_a_clone
        && ::ioctl(file, FICLONE, open.fd.get()) == 0) {
        const Sink nowhere = [](std::string_view) { return ok(); };
        CHECK_OK(read_open(base, contexts, blob, open, nowhere));
        if (::ftruncate(file, static_cast<off_t>(blob.size)) == 0) return ok();
        return fail(posix::error(errno, "cutting", "a file from the store"));
    }
    const Sink to = [file, at = std::uint64_t{0}](std::string_view piece) mutable -> Result<> {
        CHECK_OK(write_all_at(file, piece, at));
        at += piece.size();
        return ok();
    };
    return read_open(base, contexts, blob, open, to);
}

} // namespace

Result<std::optional<OpenBlob>> open_blob(const Base& base, const core::Blob& blob)
{
    OpenBlob open;
    TRY(const Opened how, open_file(base, blob.digest, open));
    if (how == Opened::damaged) base.drop(open.name, open.status);
    // Who asks for another size asks for a blob that cannot be.
    if (how != Opened::whole || open.trailer.size != blob.size) return std::nullopt;
    return open;
}

Result<std::optional<OpenBlob>> open_any_blob(const Base& base, const core::Sha256& digest)
{
    OpenBlob open;
    TRY(const Opened how, open_file(base, digest, open));
    if (how != Opened::whole) return std::nullopt;
    return open;
}

bool has_blob(Base& base, const core::Blob& blob)
{
    return open_to_use(base, blob).has_value();
}

Result<> read_blob(Base& base, Contexts& contexts, const core::Blob& blob, const Sink& to)
{
    TRY(const OpenBlob open, open_to_use(base, blob));
    return read_open(base, contexts, blob, open, to);
}

Result<> read_blob_into(Base& base, Contexts& contexts, const core::Blob& blob, int file)
{
    TRY(const OpenBlob open, open_to_use(base, blob));
    auto filled = fill(base, contexts, blob, open, file);
    if (!filled && ::ftruncate(file, 0) != 0) {
        filled.error().context.emplace_back("emptying a file from the store");
    }
    return filled;
}

Result<bool> is_good(Contexts& contexts, const core::Sha256& digest, const OpenBlob& open)
{
    core::Blob blob;
    blob.digest = digest;
    blob.size = open.trailer.size;
    const Sink nowhere = [](std::string_view) { return ok(); };
    return unpack(contexts, blob, open.trailer, bytes_of_blob(open), nowhere);
}

Result<std::string> export_blob(Base& base, Contexts& contexts, const core::Blob& blob)
{
    TRY(const OpenBlob open, open_to_use(base, blob));
    std::string bytes;
    bytes.reserve(static_cast<std::size_t>(open.trailer.stored) + Trailer::bytes);
    const Source from = bytes_of_blob(open);
    const Source kept = [&](char* to, std::size_t size) -> Result<std::size_t> {
        TRY(const std::size_t got, from(to, size));
        bytes.append(to, got);
        return got;
    };
    const Sink nowhere = [](std::string_view) { return ok(); };
    TRY(const bool good, unpack(contexts, blob, open.trailer, kept, nowhere));
    if (!good) {
        base.drop(open.name, open.status);
        return fail(not_there(blob));
    }
    return bytes + open.trailer.encode();
}

Result<> import_blob(Base& base, Contexts& contexts, const core::Blob& blob, std::string_view bytes)
{
    CHECK_OK(base.need_writable());
    std::optional<Trailer> trailer;
    std::string_view stored;
    if (bytes.size() >= Trailer::bytes) {
        stored = bytes.substr(0, bytes.size() - Trailer::bytes);
        trailer = Trailer::decode(bytes.substr(stored.size()));
    }
    if (!trailer || trailer->stored != stored.size()) {
        return fail(Errc::protocol, "bytes that are no stored blob");
    }
    const Source from = [rest = stored](char* to, std::size_t size) mutable -> Result<std::size_t> {
        const std::size_t got = rest.copy(to, size);
        rest.remove_prefix(got);
        return got;
    };
    const Sink nowhere = [](std::string_view) { return ok(); };
    TRY(const bool good, unpack(contexts, blob, *trailer, from, nowhere));
    if (!good) {
        return fail(Errc::protocol, "bytes of another blob than " + core::to_hex(blob.digest));
    }
    if (has_blob(base, blob)) return ok();
    return publish_blob(base, blob.digest, bytes);
}

} // namespace slipway::store
