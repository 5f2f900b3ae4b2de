#include "archive/tar_records.hpp"

#include "agent/codec.hpp"
#include "agent/messages.hpp"
#include "archive/content_hasher.hpp"
#include "archive/posix.hpp"
#include "archive/tar_stream.hpp"
#include "archive/transformed.hpp"

#include <slipway/core/digest.hpp>

#include <archive_entry.h>

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

namespace slipway::core {

namespace {

/// Pieces come in rising order; what is between them is zeros.
class SparseSha256 {
public:
    void add(std::uint64_t offset, std::string_view bytes)
    {
        static constexpr std::array<char, 65'536> zeros{};
        while (reached_ < offset) {
            const auto gap = std::min<std::uint64_t>(offset - reached_, zeros.size());
            put({zeros.data(), static_cast<std::size_t>(gap)});
        }
        put(bytes);
    }
    std::string finish(std::uint64_t size)
    {
        add(size, {});
        const Sha256 digest = hasher_.finish();
        return {digest.bytes.begin(), digest.bytes.end()};
    }

private:
    void put(std::string_view bytes)
    {
        hasher_.add(bytes);
        reached_ += bytes.size();
    }

    Sha256Hasher hasher_;
    std::uint64_t reached_ = 0;
};

std::string big_endian(std::uint64_t high, std::uint64_t low)
{
    std::string bytes;
    for (const std::uint64_t word : {high, low}) {
        for (int shift = 56; shift >= 0; shift -= 8) {
            bytes.push_back(static_cast<char>(word >> static_cast<unsigned>(shift) & 0xffU));
        }
    }
    return bytes;
}

Result<std::string> digest_of(TarStream& tar, std::uint64_t size, Digest digest)
{
    ContentHasher xxh3;
    SparseSha256 sha256;
    CHECK_OK(tar.data(size, [&](std::uint64_t offset, std::string_view piece) {
        if (digest == Digest::xxh3_128) xxh3.add(offset, piece);
        if (digest == Digest::sha256) sha256.add(offset, piece);
        return ok();
    }));
    if (digest == Digest::sha256) return sha256.finish(size);
    const ContentHash hash = xxh3.finish(size);
    return big_endian(hash.high, hash.low);
}

agent::EntryKind kind_of(const TarEntry& entry, archive_entry* raw)
{
    if (entry.kind == TarEntry::Kind::socket) return agent::EntryKind::socket;
    if (entry.kind == TarEntry::Kind::device) {
        return ::archive_entry_filetype(raw) == AE_IFBLK ? agent::EntryKind::block_device
                                                         : agent::EntryKind::character_device;
    }
    switch (entry.meta.type) {
    case EntryType::directory:
        return agent::EntryKind::directory;
    case EntryType::symlink:
        return agent::EntryKind::symlink;
    case EntryType::fifo:
        return agent::EntryKind::fifo;
    case EntryType::file:
        break;
    }
    return agent::EntryKind::file;
}

/// Makes records of entries.
class Recorder {
public:
    Recorder(TarStream& tar, ThreadWriter& out, Digest digest)
        : tar_(tar), out_(out), digest_(digest)
    {
    }

    Result<> add(const TarEntry& entry)
    {
        TRY(std::string path, path_below("", entry.path));
        if (path.empty()) path = ".";
        if (entry.kind == TarEntry::Kind::hard_link) {
            TRY(const std::string first, path_below("", entry.hard_link));
            const auto found = files_.find(first);
            if (found == files_.end()) return ok(); // what it names was not asked for
            agent::Entry record = found->second;
            record.path = std::move(path);
            return write(record);
        }
        archive_entry* const raw = tar_.current();
        agent::Entry record;
        record.path = std::move(path);
        record.kind = static_cast<std::uint8_t>(kind_of(entry, raw));
        record.mode = static_cast<std::uint16_t>(entry.meta.mode & posix::mode_bits);
        record.uid = static_cast<std::uint32_t>(::archive_entry_uid(raw));
        record.gid = static_cast<std::uint32_t>(::archive_entry_gid(raw));
        record.size = entry.meta.size;
        record.allocated = entry.meta.size;
        record.mtime_ns = entry.meta.mtime_ns;
        record.link_target = entry.meta.link_target;
        record.major = static_cast<std::uint32_t>(::archive_entry_rdevmajor(raw));
        record.minor = static_cast<std::uint32_t>(::archive_entry_rdevminor(raw));
        if (record.kind == static_cast<std::uint8_t>(agent::EntryKind::file)) {
            record.inode = ++last_inode_;
            if (digest_ != Digest::none) {
                TRY(record.digest, digest_of(tar_, record.size, digest_));
            }
            files_.emplace(record.path, record);
        }
        return write(record);
    }

private:
    Result<> write(const agent::Entry& record)
    {
        const std::string bytes = agent::encode(record);
        std::string sized;
        agent::Writer write_size(sized);
        write_size(static_cast<std::uint32_t>(bytes.size()));
        sized += bytes;
        return out_.write(sized);
    }

    TarStream& tar_;
    ThreadWriter& out_;
    Digest digest_;
    std::uint64_t last_inode_ = 0;
    std::map<std::string, agent::Entry> files_; ///< a tar does not say which have other names
};

Result<> record_all(ThreadReader& from, ThreadWriter& out, Digest digest)
{
    const posix::PlainLocale plain;
    TarStream tar(from);
    Recorder recorder(tar, out, digest);
    for (;;) {
        TRY(const std::optional<TarEntry> entry, tar.next());
        if (!entry) return ok();
        CHECK_OK(recorder.add(*entry));
    }
}

} // namespace

std::shared_ptr<engine::ByteSource> tar_records(
    const boost::asio::any_io_executor& executor,
    std::shared_ptr<engine::ByteSource> tar,
    Digest digest
)
{
    Transform transform = [digest](ThreadReader& in, ThreadWriter& out) {
        return record_all(in, out, digest);
    };
    return transformed(executor, std::move(tar), std::move(transform));
}

} // namespace slipway::core
