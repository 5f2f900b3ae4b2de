#include "agent/codec.hpp"
#include "archive/content_hasher.hpp"
#include "file_reader.hpp"
#include "sha256.hpp"
#include "tree_streams.hpp"
#include "walk.hpp"

#include <sys/sysmacros.h>

#include <cerrno>
#include <limits>
#include <string>

namespace slipway::agent {

namespace {

/// What stands together in one write.
constexpr std::size_t batch_bytes = 65'536;

EntryKind kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return EntryKind::directory;
    case S_IFLNK:
        return EntryKind::symlink;
    case S_IFIFO:
        return EntryKind::fifo;
    case S_IFSOCK:
        return EntryKind::socket;
    case S_IFCHR:
        return EntryKind::character_device;
    case S_IFBLK:
        return EntryKind::block_device;
    default:
        return EntryKind::file;
    }
}

/// Saturates.
std::int64_t nanoseconds(const timespec& time)
{
    std::int64_t out = 0;
    if (!__builtin_mul_overflow(std::int64_t{time.tv_sec}, std::int64_t{1'000'000'000}, &out)
        && !__builtin_add_overflow(out, std::int64_t{time.tv_nsec}, &out)) {
        return out;
    }
    return time.tv_sec < 0 ? std::numeric_limits<std::int64_t>::min()
                           : std::numeric_limits<std::int64_t>::max();
}

std::string bytes_of(const core::ContentHash& hash)
{
    std::string out;
    for (const std::uint64_t half : {hash.high, hash.low}) {
        for (int shift = 56; shift >= 0; shift -= 8) {
            out += static_cast<char>(half >> shift & 0xff);
        }
    }
    return out;
}

class ManifestWriter {
public:
    explicit ManifestWriter(const TreeOrder& order)
        : output_(static_cast<Encoding>(order.encoding)),
          digest_(static_cast<DigestKind>(order.digest))
    {
    }

    TreeEnd add(const Found& found)
    {
        const struct stat& status = found.status;
        Entry entry;
        entry.path = found.path;
        entry.kind = static_cast<std::uint8_t>(kind_of(status.st_mode));
        entry.mode = static_cast<std::uint16_t>(status.st_mode & 07777);
        entry.uid = status.st_uid;
        entry.gid = status.st_gid;
        entry.mtime_ns = nanoseconds(status.st_mtim);
        entry.links = static_cast<std::uint32_t>(status.st_nlink);
        entry.file_system = status.st_dev;
        entry.inode = status.st_ino;
        if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
            entry.major = major(status.st_rdev);
            entry.minor = minor(status.st_rdev);
        }
        if (S_ISLNK(status.st_mode) && !read_link(found, entry.link_target)) {
            return is_gone(errno) ? TreeEnd::missing : complain(found.path, errno);
        }
        if (S_ISREG(status.st_mode)) {
            entry.size = static_cast<std::uint64_t>(status.st_size);
            entry.allocated = static_cast<std::uint64_t>(status.st_blocks) * 512;
            const TreeEnd end = add_digest(found, entry);
            if (end != TreeEnd::done) return end;
        }
        const std::string record = encode(entry);
        Writer batch(batch_);
        batch(record);
        return batch_.size() < batch_bytes ? TreeEnd::done : flush();
    }

    TreeEnd close()
    {
        const TreeEnd end = flush();
        if (end != TreeEnd::done) return end;
        return output_.finish() ? TreeEnd::done : complain("the manifest", errno);
    }

private:
    TreeEnd flush()
    {
        const bool good = output_.write(batch_);
        batch_.clear();
        return good ? TreeEnd::done : complain("the manifest", errno);
    }

    TreeEnd add_digest(const Found& found, Entry& entry)
    {
        if (digest_ == DigestKind::none) return TreeEnd::done;
        FileReader file(found);
        if (!file.is_open()) return file.end();
        const off_t size = file.status().st_size;
        entry.size = static_cast<std::uint64_t>(size);
        entry.mtime_ns = nanoseconds(file.status().st_mtim);
        core::ContentHasher xxh3;
        Sha256 sha256;
        const TreeEnd end = file.read(0, size, [&](off_t at, std::string_view bytes) {
            if (digest_ == DigestKind::xxh3) {
                xxh3.add(static_cast<std::uint64_t>(at), bytes);
            } else {
                sha256.add(bytes);
            }
            return TreeEnd::done;
        });
        if (end != TreeEnd::done) return end;
        entry.digest =
            digest_ == DigestKind::xxh3 ? bytes_of(xxh3.finish(entry.size)) : sha256.finish();
        return file.check_unchanged();
    }

    TreeOutput output_;
    DigestKind digest_;
    std::string batch_;
};

} // namespace

TreeEnd write_manifest(const Run& run)
{
    ManifestWriter writer(run.tree);
    const TreeEnd end = walk(run.argv.front(), run.tree.items, [&](const Found& found) {
        return writer.add(found);
    });
    return end == TreeEnd::done ? writer.close() : end;
}

} // namespace slipway::agent
