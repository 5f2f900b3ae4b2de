#include "conformance/tar_entries.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>

#include <sys/stat.h>

#include <memory>

namespace slipway::test {

namespace {

struct Free {
    void operator()(struct archive* archive) const { ::archive_free(archive); }
    void operator()(struct archive_entry* entry) const { ::archive_entry_free(entry); }
};
using Archive = std::unique_ptr<struct archive, Free>;
using Entry = std::unique_ptr<struct archive_entry, Free>;

unsigned type_of(Kind kind)
{
    switch (kind) {
    case Kind::directory:
        return AE_IFDIR;
    case Kind::symlink:
        return AE_IFLNK;
    case Kind::character_device:
        return AE_IFCHR;
    case Kind::fifo:
        return AE_IFIFO;
    default:
        return AE_IFREG;
    }
}

Kind kind_of(struct archive_entry* entry)
{
    if (::archive_entry_hardlink(entry) != nullptr) return Kind::hard_link;
    switch (::archive_entry_filetype(entry)) {
    case AE_IFDIR:
        return Kind::directory;
    case AE_IFLNK:
        return Kind::symlink;
    case AE_IFCHR:
        return Kind::character_device;
    case AE_IFIFO:
        return Kind::fifo;
    default:
        return Kind::file;
    }
}

std::string text(const char* value)
{
    return value != nullptr ? value : "";
}

void fill(struct archive_entry* out, const TarEntry& entry)
{
    ::archive_entry_set_pathname(out, entry.path.c_str());
    ::archive_entry_set_filetype(out, type_of(entry.kind));
    ::archive_entry_set_perm(out, entry.permissions);
    ::archive_entry_set_uid(out, entry.uid);
    ::archive_entry_set_gid(out, entry.gid);
    ::archive_entry_set_mtime(out, entry.seconds, entry.nanoseconds);
    ::archive_entry_set_size(out, static_cast<la_int64_t>(entry.content.size()));
    if (entry.kind == Kind::symlink) ::archive_entry_set_symlink(out, entry.target.c_str());
    if (entry.kind == Kind::hard_link) ::archive_entry_set_hardlink(out, entry.target.c_str());
    if (entry.kind == Kind::character_device) {
        ::archive_entry_set_rdevmajor(out, entry.device_major);
        ::archive_entry_set_rdevminor(out, entry.device_minor);
    }
    for (const auto& [name, value] : entry.xattrs) {
        ::archive_entry_xattr_add_entry(out, name.c_str(), value.data(), value.size());
    }
}

TarEntry entry_from(struct archive_entry* from)
{
    TarEntry entry;
    entry.path = text(::archive_entry_pathname(from));
    if (entry.path.size() > 1 && entry.path.ends_with('/')) entry.path.pop_back();
    entry.kind = kind_of(from);
    entry.permissions = ::archive_entry_perm(from) & 07777U;
    entry.uid = ::archive_entry_uid(from);
    entry.gid = ::archive_entry_gid(from);
    entry.seconds = ::archive_entry_mtime(from);
    entry.nanoseconds = ::archive_entry_mtime_nsec(from);
    entry.target = text(
        entry.kind == Kind::hard_link ? ::archive_entry_hardlink(from)
                                      : ::archive_entry_symlink(from)
    );
    entry.device_major = static_cast<unsigned>(::archive_entry_rdevmajor(from));
    entry.device_minor = static_cast<unsigned>(::archive_entry_rdevminor(from));
    ::archive_entry_xattr_reset(from);
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    while (::archive_entry_xattr_next(from, &name, &value, &size) == ARCHIVE_OK) {
        entry.xattrs[name] = std::string(static_cast<const char*>(value), size);
    }
    return entry;
}

la_ssize_t append(struct archive* /*archive*/, void* out, const void* bytes, std::size_t size)
{
    static_cast<std::string*>(out)->append(static_cast<const char*>(bytes), size);
    return static_cast<la_ssize_t>(size);
}

} // namespace

std::string write_tar(const std::vector<TarEntry>& entries, Packing packing)
{
    std::string out;
    const Archive archive(::archive_write_new());
    ::archive_write_set_format_pax(archive.get());
    ::archive_write_set_bytes_in_last_block(archive.get(), 1);
    if (packing == Packing::gzip) ::archive_write_add_filter_gzip(archive.get());
    if (packing == Packing::zstd) ::archive_write_add_filter_zstd(archive.get());
    ::archive_write_set_options(archive.get(), "hdrcharset=BINARY"); // names are bytes
    REQUIRE(::archive_write_open(archive.get(), &out, nullptr, append, nullptr) == ARCHIVE_OK);
    for (const TarEntry& entry : entries) {
        const Entry header(::archive_entry_new());
        fill(header.get(), entry);
        const int said = ::archive_write_header(archive.get(), header.get());
        REQUIRE_MESSAGE(said >= ARCHIVE_WARN, ::archive_error_string(archive.get()));
        if (entry.content.empty()) continue;
        const auto wrote =
            ::archive_write_data(archive.get(), entry.content.data(), entry.content.size());
        REQUIRE(wrote == static_cast<la_ssize_t>(entry.content.size()));
    }
    REQUIRE(::archive_write_close(archive.get()) == ARCHIVE_OK);
    return out;
}

std::map<std::string, TarEntry> read_tar(const std::string& bytes)
{
    std::map<std::string, TarEntry> entries;
    const Archive archive(::archive_read_new());
    ::archive_read_support_format_tar(archive.get());
    REQUIRE(::archive_read_open_memory(archive.get(), bytes.data(), bytes.size()) == ARCHIVE_OK);
    struct archive_entry* header = nullptr;
    for (;;) {
        const int said = ::archive_read_next_header(archive.get(), &header);
        if (said == ARCHIVE_EOF) return entries;
        // A warning is about names that are not in the locale's encoding; they come as they are.
        REQUIRE_MESSAGE(said >= ARCHIVE_WARN, ::archive_error_string(archive.get()));
        TarEntry entry = entry_from(header);
        entry.content.resize(static_cast<std::size_t>(::archive_entry_size(header)));
        const auto got =
            ::archive_read_data(archive.get(), entry.content.data(), entry.content.size());
        REQUIRE(got == static_cast<la_ssize_t>(entry.content.size()));
        entries[entry.path] = std::move(entry);
    }
}

} // namespace slipway::test
