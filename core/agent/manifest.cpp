#include "agent/codec.hpp"
#include "agent/file_status.hpp"
#include "archive/content_hasher.hpp"
#include "file_reader.hpp"
#include "sha256.hpp"
#include "tree_streams.hpp"
#include "walk.hpp"

#include <sys/sysmacros.h>

#include <cerrno>
#include <string>
#include <utility>

namespace slipway::agent {

namespace {

/// What stands together in one write.
constexpr std::size_t batch_bytes = 65'536;

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
        // The first one may be all that is wanted, and what follows may not be ours to read.
        const bool first = std::exchange(first_, false);
        return batch_.size() < batch_bytes && !first ? TreeEnd::done : flush();
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
            digest_ == DigestKind::xxh3 ? core::bytes_of(xxh3.finish(entry.size)) : sha256.finish();
        return file.check_unchanged();
    }

    TreeOutput output_;
    DigestKind digest_;
    std::string batch_;
    bool first_ = true;
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
