#include "agent/entry_sink.hpp"

#include "agent/codec.hpp"
#include "agent/messages.hpp"
#include "archive/content_hasher.hpp"

#include <algorithm>

namespace slipway::core {

namespace {

Error no_entry(const char* why)
{
    return {Errc::protocol, std::string("the sandbox's agent sent a broken manifest: ") + why};
}

bool set_kind(std::uint8_t kind, TreeEntry& entry)
{
    switch (static_cast<agent::EntryKind>(kind)) {
    case agent::EntryKind::file:
        entry.meta.type = EntryType::file;
        return true;
    case agent::EntryKind::directory:
        entry.meta.type = EntryType::directory;
        return true;
    case agent::EntryKind::symlink:
        entry.meta.type = EntryType::symlink;
        return true;
    case agent::EntryKind::fifo:
        entry.meta.type = EntryType::fifo;
        return true;
    case agent::EntryKind::socket:
        entry.kind = TreeEntry::Kind::socket;
        return true;
    case agent::EntryKind::character_device:
        entry.kind = TreeEntry::Kind::character_device;
        return true;
    case agent::EntryKind::block_device:
        entry.kind = TreeEntry::Kind::block_device;
        return true;
    }
    return false;
}

bool set_digest(std::string_view digest, TreeEntry& entry)
{
    if (digest.size() == 16) {
        entry.meta.content = hash_of(digest);
    } else if (digest.size() == 32) {
        auto& bytes = entry.sha256.emplace();
        std::transform(digest.begin(), digest.end(), bytes.begin(), [](char byte) {
            return static_cast<unsigned char>(byte);
        });
    }
    return digest.empty() || digest.size() == 16 || digest.size() == 32;
}

Result<TreeEntry> entry_of(agent::Entry record)
{
    TreeEntry entry;
    if (!set_kind(record.kind, entry)) return fail(no_entry("an unknown kind of entry"));
    if (!set_digest(record.digest, entry)) return fail(no_entry("a digest of an unknown size"));
    entry.path = std::move(record.path);
    entry.meta.mode = record.mode;
    entry.meta.size = record.size;
    entry.meta.mtime_ns = record.mtime_ns;
    entry.meta.link_target = std::move(record.link_target);
    entry.uid = record.uid;
    entry.gid = record.gid;
    entry.links = record.links;
    entry.file_system = record.file_system;
    entry.inode = record.inode;
    entry.device_major = record.major;
    entry.device_minor = record.minor;
    entry.allocated = record.allocated;
    return entry;
}

} // namespace

Result<bool> EntrySink::take()
{
    const std::string_view rest = std::string_view(waiting_).substr(begin_);
    std::uint32_t size = 0;
    if (rest.size() < sizeof size) return false;
    agent::Reader(rest.substr(0, sizeof size))(size);
    if (size > agent::max_message) return fail(no_entry("a record of more than 4 MiB"));
    if (rest.size() - sizeof size < size) return false;
    auto record = agent::decode<agent::Entry>(rest.substr(sizeof size, size));
    if (!record) return fail(no_entry("a record that is none"));
    begin_ += sizeof size + size;
    TRY(const TreeEntry entry, entry_of(*std::move(record)));
    CHECK_OK(each_(entry));
    return true;
}

Task<> EntrySink::write(std::string_view data)
{
    waiting_.append(data);
    for (;;) {
        CO_TRY(const bool more, take());
        if (!more) break;
    }
    waiting_.erase(0, std::exchange(begin_, 0));
    co_return ok();
}

Result<> EntrySink::finish() const
{
    if (waiting_.empty()) return ok();
    return fail(
        Errc::truncated, "the manifest of the sandbox's agent ended in the middle of an entry"
    );
}

} // namespace slipway::core
