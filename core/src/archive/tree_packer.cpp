#include "archive/tree_packer.hpp"

#include "archive/cache_tag.hpp"
#include "archive/content_hasher.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

namespace slipway::core {

namespace {

constexpr std::size_t file_piece_bytes = std::size_t{256} << 10;
/// Less is joined to one write.
constexpr std::size_t large_bytes = std::size_t{64} << 10;

/// Never waits for the writer of a fifo, never follows a symlink.
constexpr int open_flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;

ssize_t read_some(int file, char* into, std::size_t count)
{
    ssize_t got = 0;
    do {
        got = ::read(file, into, count);
    } while (got < 0 && errno == EINTR);
    return got;
}

Error changed(std::string_view shown)
{
    Error out(Errc::io, "reading " + posix::printable(shown) + ": it changed while it was read");
    out.hint = "stop what writes to it, or leave it out, then try again";
    return out;
}

/// libarchive prints both numbers as they are with a dot between, so a time before 1970 must be
/// given as -1 and 500000000 to become "-1.5". The last second before 1970 goes without fraction.
void set_mtime(archive_entry* entry, std::int64_t ns)
{
    constexpr std::int64_t second = 1'000'000'000;
    const std::int64_t seconds = ns / second;
    const std::int64_t rest = ns % second;
    if (seconds == 0 && rest < 0) {
        ::archive_entry_set_mtime(entry, -1, 0);
    } else {
        ::archive_entry_set_mtime(entry, seconds, static_cast<long>(rest < 0 ? -rest : rest));
    }
}

mode_t type_bits(EntryType type)
{
    switch (type) {
    case EntryType::directory:
        return AE_IFDIR;
    case EntryType::symlink:
        return AE_IFLNK;
    case EntryType::fifo:
        return AE_IFIFO;
    case EntryType::file:
        break;
    }
    return AE_IFREG;
}

} // namespace

TreePacker::TreePacker(ThreadWriter& out, const PackOptions& options)
    : out_(&out),
      options_(&options),
      buffer_(file_piece_bytes),
      archive_(::archive_write_new()),
      entry_(::archive_entry_new())
{
}

TreePacker::~TreePacker()
{
    // Only a close frees what libarchive holds for the pipe, and a close writes the end mark. What
    // is not whole must not get one.
    is_refusing_ = true;
    ::archive_write_close(archive_);
    ::archive_entry_free(entry_);
    ::archive_write_free(archive_);
}

Result<Manifest> TreePacker::run(const std::vector<PackRoot>& roots)
{
    const posix::PlainLocale plain;
    CHECK_OK(open());
    for (const PackRoot& root : roots) {
        CHECK_OK(add_root(root));
    }
    for (const PackExtra& extra : options_->extras) {
        CHECK_OK(add_extra(extra));
    }
    if (::archive_write_close(archive_) != ARCHIVE_OK || !flush()) {
        CHECK_OK(archive_failed("the end"));
    }
    return std::move(manifest_);
}

Result<> TreePacker::open()
{
    if (archive_ == nullptr || entry_ == nullptr) return fail(Errc::internal, "out of memory");
    // BINARY: names are bytes and travel as they are, whatever the locale says.
    if (::archive_write_set_format_pax(archive_) != ARCHIVE_OK
        || ::archive_write_set_options(archive_, "hdrcharset=BINARY") != ARCHIVE_OK
        || ::archive_write_set_bytes_per_block(archive_, 0) != ARCHIVE_OK // we join them
        || ::archive_write_open(archive_, this, nullptr, &TreePacker::take, nullptr)
               != ARCHIVE_OK) {
        return archive_failed("its beginning");
    }
    return ok();
}

ssize_t TreePacker::take(archive* tar, void* self, const void* bytes, std::size_t count)
{
    auto& packer = *static_cast<TreePacker*>(self);
    if (packer.is_refusing_) return -1;
    const std::string_view piece(static_cast<const char*>(bytes), count);
    bool good = packer.joined_.size() + count <= large_bytes || packer.flush();
    if (good && count < large_bytes) {
        packer.joined_ += piece;
    } else if (good) {
        good = packer.push(piece);
    }
    if (good) return static_cast<ssize_t>(count);
    ::archive_set_error(tar, EPIPE, "the reader has left");
    return -1;
}

bool TreePacker::push(std::string_view bytes)
{
    auto done = out_->write(bytes);
    if (!done) pipe_error_ = std::move(done).error();
    return !pipe_error_;
}

bool TreePacker::flush()
{
    const bool done = push(joined_);
    joined_.clear();
    return done;
}

Result<> TreePacker::archive_failed(const std::string& archived)
{
    if (pipe_error_) return fail(*pipe_error_);
    const char* said = ::archive_error_string(archive_);
    return fail(
        Errc::io,
        "archiving " + posix::printable(archived) + ": "
            + (said != nullptr ? said : "libarchive failed")
    );
}

bool TreePacker::keeps(const Place& place, EntryType type) const
{
    return !options_->keep || options_->keep(place.relative, type);
}

void TreePacker::skip(std::string archived, SkipReason reason)
{
    manifest_.skipped.push_back({std::move(archived), reason});
}

Result<> TreePacker::add_root(const PackRoot& root)
{
    const std::string shown = root.local.native();
    std::string archived;
    if (!root.inside.empty()) {
        TRY(archived, posix::clean_path(root.inside, Errc::invalid_argument));
    }
    // A root is resolved with its symlinks; only a plain file is then opened for its bytes.
    struct stat status {};
    if (::stat(shown.c_str(), &status) != 0) return fail(posix::error(errno, "reading", shown));
    if (S_ISDIR(status.st_mode)) {
        posix::Fd dir(::open(shown.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!dir) return fail(posix::error(errno, "reading", shown));
        if (!archived.empty()) {
            CHECK_OK(header(archived, posix::describe(status)));
        }
        return walk(std::move(dir), shown, archived, {});
    }
    if (archived.empty()) {
        return fail(
            Errc::invalid_argument,
            posix::printable(shown) + " is not a directory and has no name inside"
        );
    }
    if (S_ISFIFO(status.st_mode)) return header(archived, posix::describe(status));
    if (!S_ISREG(status.st_mode)) {
        return fail(Errc::invalid_argument, posix::printable(shown) + " is a socket or a device");
    }
    posix::Fd file(::open(shown.c_str(), open_flags & ~O_NOFOLLOW));
    if (!file) return fail(posix::error(errno, "reading", shown));
    return add_open_file(std::move(file), shown, archived);
}

Result<> TreePacker::add_extra(const PackExtra& extra)
{
    TRY(const std::string archived, posix::clean_path(extra.path, Errc::invalid_argument));
    if (archived.empty() || extra.type == EntryType::fifo) {
        return fail(
            Errc::invalid_argument, "an extra entry without a name or of a type that has no bytes"
        );
    }
    ManifestEntry entry;
    entry.type = extra.type;
    entry.mode = extra.mode & posix::mode_bits;
    entry.mtime_ns = extra.mtime_ns;
    if (extra.type == EntryType::symlink) entry.link_target = extra.bytes;
    if (extra.type == EntryType::file) entry.size = extra.bytes.size();
    CHECK_OK(header(archived, std::move(entry)));
    if (extra.type != EntryType::file) return ok();
    const auto written = ::archive_write_data(archive_, extra.bytes.data(), extra.bytes.size());
    if (written != static_cast<la_ssize_t>(extra.bytes.size())) return archive_failed(archived);
    note_content(archived, content_hash(extra.bytes));
    return ok();
}

// One descriptor and one list of names for each level stay open.
// NOLINTNEXTLINE(misc-no-recursion)
Result<> TreePacker::walk(
    posix::Fd dir,
    const std::string& shown,
    const std::string& archived,
    const std::string& relative
)
{
    // The listing closes its descriptor, and ours is needed below.
    posix::Fd copy(::openat(dir.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!copy) return fail(posix::error(errno, "listing", shown));
    TRY(const std::vector<std::string> names, posix::names_in(std::move(copy), shown));
    for (const std::string& name : names) {
        const Place place{
            dir.get(),
            name,
            posix::join(shown, name),
            posix::join(archived, name),
            posix::join(relative, name)};
        CHECK_OK(add(place));
    }
    return ok();
}

// NOLINTNEXTLINE(misc-no-recursion)
Result<> TreePacker::add(const Place& place)
{
    struct stat status {};
    if (::fstatat(place.dir, place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT) return fail(posix::error(errno, "reading", place.shown));
        skip(place.archived, SkipReason::vanished);
        return ok();
    }
    if (S_ISDIR(status.st_mode)) {
        return keeps(place, EntryType::directory) ? add_directory(place) : ok();
    }
    if (S_ISREG(status.st_mode)) return keeps(place, EntryType::file) ? add_file(place) : ok();
    if (S_ISLNK(status.st_mode)) {
        if (!keeps(place, EntryType::symlink)) return ok();
        ManifestEntry entry = posix::describe(status);
        auto target = posix::read_link(place.dir, place.name.c_str(), place.shown);
        if (!target && target.error().code == Errc::not_found) {
            skip(place.archived, SkipReason::vanished);
            return ok();
        }
        TRY(entry.link_target, std::move(target));
        return header(place.archived, std::move(entry));
    }
    if (S_ISFIFO(status.st_mode)) {
        return keeps(place, EntryType::fifo) ? header(place.archived, posix::describe(status))
                                             : ok();
    }
    skip(place.archived, S_ISSOCK(status.st_mode) ? SkipReason::socket : SkipReason::device);
    return ok();
}

// NOLINTNEXTLINE(misc-no-recursion)
Result<> TreePacker::add_directory(const Place& place)
{
    posix::Fd dir(::openat(place.dir, place.name.c_str(), open_flags | O_DIRECTORY));
    struct stat status {};
    if (!dir || ::fstat(dir.get(), &status) != 0) {
        if (errno != ENOENT) return fail(posix::error(errno, "reading", place.shown));
        skip(place.archived, SkipReason::vanished);
        return ok();
    }
    if (options_->skip_tagged_caches && is_tagged_cache(dir.get())) {
        skip(place.archived, SkipReason::tagged_cache);
        return ok();
    }
    CHECK_OK(header(place.archived, posix::describe(status)));
    return walk(std::move(dir), place.shown, place.archived, place.relative);
}

Result<> TreePacker::add_file(const Place& place)
{
    posix::Fd file(::openat(place.dir, place.name.c_str(), open_flags));
    if (!file) {
        if (errno == ELOOP) return fail(changed(place.shown)); // a symlink by now
        if (errno != ENOENT) return fail(posix::error(errno, "reading", place.shown));
        skip(place.archived, SkipReason::vanished);
        return ok();
    }
    return add_open_file(std::move(file), place.shown, place.archived);
}

Result<>
TreePacker::add_open_file(posix::Fd file, const std::string& shown, const std::string& archived)
{
    struct stat before {};
    if (::fstat(file.get(), &before) != 0) return fail(posix::error(errno, "reading", shown));
    if (!S_ISREG(before.st_mode)) return fail(changed(shown));
    ManifestEntry entry = posix::describe(before);
    if (before.st_nlink > 1) {
        const auto [known, is_first] = links_.try_emplace({before.st_dev, before.st_ino}, archived);
        if (!is_first) {
            CHECK_OK(write_header(archived, entry, &known->second));
            entry.content = manifest_.entries.at(known->second).content;
            manifest_.entries.insert_or_assign(archived, std::move(entry));
            return ok();
        }
    }
    const std::uint64_t size = entry.size;
    CHECK_OK(header(archived, std::move(entry)));
    TRY(const ContentHash content, copy_data(file.get(), size, shown));
    struct stat after {};
    if (::fstat(file.get(), &after) != 0) return fail(posix::error(errno, "reading", shown));
    if (after.st_size != before.st_size || posix::mtime_ns(after) != posix::mtime_ns(before)) {
        return fail(changed(shown));
    }
    note_content(archived, content);
    return ok();
}

Result<ContentHash> TreePacker::copy_data(int file, std::uint64_t size, const std::string& shown)
{
    ContentHasher hasher;
    std::uint64_t done = 0;
    while (done < size) {
        const auto want =
            static_cast<std::size_t>(std::min<std::uint64_t>(size - done, buffer_.size()));
        const ssize_t got = read_some(file, buffer_.data(), want);
        if (got < 0) return fail(posix::error(errno, "reading", shown));
        if (got == 0) return fail(changed(shown));
        if (::archive_write_data(archive_, buffer_.data(), static_cast<std::size_t>(got)) != got) {
            return fail(archive_failed(shown).error());
        }
        hasher.add(done, {buffer_.data(), static_cast<std::size_t>(got)});
        done += static_cast<std::uint64_t>(got);
    }
    return hasher.finish(size);
}

void TreePacker::note_content(const std::string& archived, const ContentHash& content)
{
    manifest_.entries.at(archived).content = content;
}

Result<> TreePacker::header(const std::string& archived, ManifestEntry entry)
{
    CHECK_OK(write_header(archived, entry, nullptr));
    manifest_.entries.insert_or_assign(archived, std::move(entry));
    return ok();
}

Result<> TreePacker::write_header(
    const std::string& archived, const ManifestEntry& entry, const std::string* hard_link
)
{
    ::archive_entry_clear(entry_);
    ::archive_entry_set_pathname(entry_, archived.c_str());
    ::archive_entry_set_filetype(entry_, type_bits(entry.type));
    ::archive_entry_set_perm(entry_, static_cast<mode_t>(entry.mode));
    ::archive_entry_set_uid(entry_, options_->uid);
    ::archive_entry_set_gid(entry_, options_->gid);
    set_mtime(entry_, entry.mtime_ns);
    ::archive_entry_set_size(
        entry_, hard_link != nullptr ? 0 : static_cast<la_int64_t>(entry.size)
    );
    if (hard_link != nullptr) ::archive_entry_set_hardlink(entry_, hard_link->c_str());
    if (entry.type == EntryType::symlink) {
        ::archive_entry_set_symlink(entry_, entry.link_target.c_str());
    }
    if (::archive_write_header(archive_, entry_) != ARCHIVE_OK) return archive_failed(archived);
    return ok();
}

} // namespace slipway::core
