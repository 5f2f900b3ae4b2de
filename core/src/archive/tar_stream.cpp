#include "archive/tar_stream.hpp"

#include "archive/posix.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

namespace slipway::core {

namespace {

constexpr std::size_t chunk_bytes = std::size_t{256} << 10;
constexpr std::size_t block_bytes = 512;
constexpr std::size_t end_mark_bytes = 2 * block_bytes;
/// Filled from the front; when less than a chunk is free, the other one is taken. Both together
/// hold the chunk that libarchive reads from and what it looked at before.
constexpr std::size_t buffer_bytes = 3 * chunk_bytes;
/// Longer than any piece of a sound file: libarchive hands out no more than it was given, except
/// that a negative size in the archive comes through as a huge one.
constexpr std::size_t piece_limit = std::size_t{16} << 20;
constexpr std::size_t shown_bytes = 1000;

std::string_view text_or_empty(const char* text)
{
    return text != nullptr ? std::string_view(text) : std::string_view();
}

/// libarchive warns of names that are not plain ASCII and gives them unchanged; all other warnings
/// mean that it guessed.
bool is_harmless(std::string_view warning)
{
    return warning.find("can't be converted from") != std::string_view::npos;
}

std::string one_line(std::string_view text)
{
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == '\0')) {
        text.remove_suffix(1);
    }
    return posix::printable(text.substr(0, shown_bytes));
}

bool is_text(std::string_view bytes)
{
    return !bytes.empty() && std::all_of(bytes.begin(), bytes.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x20 || c == '\n' || c == '\r' || c == '\t';
    });
}

/// The JSON error that docker appends to an archive it could not finish, when `raw` ends with one.
std::string_view trailing_json(std::string_view raw)
{
    const std::size_t start = raw.rfind("{\"message\":");
    if (start == std::string_view::npos) return {};
    const std::string_view text = raw.substr(start);
    return is_text(text) ? text : std::string_view();
}

std::int64_t mtime_of(archive_entry* entry)
{
    const std::int64_t seconds = ::archive_entry_mtime(entry);
    const std::int64_t rest = ::archive_entry_mtime_nsec(entry);
    // libarchive reads "-1.5" as -1 s and +0.5 s. (In the last second before 1970 the sign is
    // lost.)
    return posix::to_ns(seconds, seconds < 0 ? -rest : rest);
}

} // namespace

Result<std::string> path_below(std::string_view strip, std::string_view raw)
{
    TRY(std::string path, during(posix::clean_path(raw, Errc::protocol), "refusing the archive"));
    if (strip.empty()) return path;
    if (path == strip) return std::string();
    if (path.size() > strip.size() && path.starts_with(strip) && path[strip.size()] == '/') {
        return path.substr(strip.size() + 1);
    }
    return fail(
        Errc::protocol,
        "an entry in the archive is outside of " + posix::printable(strip) + ": "
            + posix::printable(path)
    );
}

TarStream::TarStream(ThreadReader& from)
    : from_(&from), archive_(::archive_read_new()), newer_(buffer_bytes), older_(buffer_bytes)
{
}

TarStream::~TarStream()
{
    ::archive_read_free(archive_);
}

Result<std::string_view> TarStream::pull_raw()
{
    if (failure_) return fail(*failure_);
    if (at_end_) return std::string_view();
    if (buffer_bytes - newer_size_ < chunk_bytes) {
        std::swap(newer_, older_);
        older_size_ = std::exchange(newer_size_, 0);
    }
    const std::span<char> room(&newer_[newer_size_], chunk_bytes);
    Result<std::size_t> got = from_->read(room);
    if (!got) {
        failure_ = got.error();
        return fail(std::move(got).error());
    }
    at_end_ = *got == 0;
    total_ += *got;
    newer_size_ += *got;
    return std::string_view(room.data(), *got);
}

std::string TarStream::recent() const
{
    std::string text(older_.data(), older_size_);
    return text.append(newer_.data(), newer_size_);
}

ssize_t TarStream::pull(archive* tar, void* self, const void** bytes)
{
    const auto got = static_cast<TarStream*>(self)->pull_raw();
    if (!got) {
        ::archive_set_error(tar, EIO, "the source failed");
        return -1;
    }
    *bytes = got->data();
    return static_cast<ssize_t>(got->size());
}

/// What libarchive's complaint means: the source's own error, the engine's words, an early end, or
/// bytes that are no tar.
Error TarStream::broken() const
{
    if (failure_) return *failure_;
    const std::string last = recent();
    if (const std::string_view json = trailing_json(last); !json.empty()) {
        return {Errc::engine, "the archive broke off with the engine's error: " + one_line(json)};
    }
    if (at_end_) {
        return {
            Errc::truncated,
            "the archive ended too early, after " + std::to_string(total_) + " bytes"};
    }
    return {
        Errc::protocol,
        "not a sound tar archive: " + std::string(text_or_empty(::archive_error_string(archive_)))};
}

Error TarStream::said_after_end(std::string_view text)
{
    std::string all(text);
    while (all.size() < shown_bytes) {
        const auto more = pull_raw();
        if (!more || more->empty()) break;
        all.append(*more);
    }
    if (!is_text(all)) return {Errc::protocol, "the archive goes on after its end"};
    return {Errc::engine, "the engine added to the archive: " + one_line(all)};
}

Result<> TarStream::check_end()
{
    const auto not_zero = [](std::string_view bytes) { return bytes.find_first_not_of('\0'); };
    // What libarchive took for the end must be two blocks of zeros. They are the last header, or
    // the last of what it has read when a global header, which belongs to no entry, comes before.
    const std::int64_t header = ::archive_read_header_position(archive_);
    const std::int64_t read = ::archive_filter_bytes(archive_, 0);
    const auto end =
        static_cast<std::uint64_t>(std::max(header, read - std::int64_t{end_mark_bytes}));
    while (total_ < end + end_mark_bytes && !at_end_) {
        TRY([[maybe_unused]] const auto more, pull_raw());
    }
    const std::string last = recent();
    const std::uint64_t oldest = total_ - last.size();
    if (end < oldest) return fail(Errc::internal, "the end of the archive was lost from sight");
    std::string_view tail = std::string_view(last).substr(static_cast<std::size_t>(end - oldest));
    if (tail.size() < end_mark_bytes || not_zero(tail.substr(0, end_mark_bytes)) < end_mark_bytes) {
        if (const std::string_view json = trailing_json(tail); !json.empty()) {
            return fail(
                Errc::engine, "the archive broke off with the engine's error: " + one_line(json)
            );
        }
        return fail(
            Errc::truncated,
            "the archive ended too early, after " + std::to_string(total_)
                + " bytes and without its end mark"
        );
    }
    for (;;) {
        const std::size_t at = not_zero(tail);
        if (at != std::string_view::npos) return fail(said_after_end(std::string(tail.substr(at))));
        TRY(tail, pull_raw());
        if (tail.empty()) return ok();
    }
}

Result<std::optional<TarEntry>> TarStream::next()
{
    if (!open_) {
        open_ = true;
        if (archive_ == nullptr || ::archive_read_support_format_tar(archive_) != ARCHIVE_OK
            || ::archive_read_open(archive_, this, nullptr, &TarStream::pull, nullptr)
                   != ARCHIVE_OK) {
            return fail(broken());
        }
    }
    const int result = ::archive_read_next_header(archive_, &entry_);
    if (result == ARCHIVE_EOF) {
        CHECK_OK(check_end());
        return std::nullopt;
    }
    if (result < ARCHIVE_WARN
        || (result == ARCHIVE_WARN && !is_harmless(text_or_empty(::archive_error_string(archive_)))
        )) {
        return fail(broken());
    }

    TarEntry out;
    out.path = text_or_empty(::archive_entry_pathname(entry_));
    out.meta.mode = static_cast<std::uint32_t>(::archive_entry_mode(entry_)) & posix::mode_bits;
    out.meta.mtime_ns = mtime_of(entry_);
    const auto size = ::archive_entry_size(entry_);
    if (size < 0) {
        return fail(
            Errc::protocol, "a negative size in the archive: " + posix::printable(out.path)
        );
    }
    if (const char* other = ::archive_entry_hardlink(entry_); other != nullptr) {
        out.kind = TarEntry::Kind::hard_link;
        out.hard_link = other;
        return out;
    }
    switch (::archive_entry_filetype(entry_)) {
    case AE_IFREG:
        out.meta.type = EntryType::file;
        out.meta.size = static_cast<std::uint64_t>(size);
        break;
    case AE_IFDIR:
        out.meta.type = EntryType::directory;
        break;
    case AE_IFLNK:
        out.meta.type = EntryType::symlink;
        out.meta.link_target = text_or_empty(::archive_entry_symlink(entry_));
        break;
    case AE_IFIFO:
        out.meta.type = EntryType::fifo;
        break;
    case AE_IFSOCK:
        out.kind = TarEntry::Kind::socket;
        break;
    case AE_IFCHR:
    case AE_IFBLK:
        out.kind = TarEntry::Kind::device;
        break;
    default:
        return fail(
            Errc::protocol, "an entry of unknown type in the archive: " + posix::printable(out.path)
        );
    }
    return out;
}

Result<> TarStream::data(std::uint64_t size, const Piece& piece)
{
    std::uint64_t reached = 0;
    for (;;) {
        const void* bytes = nullptr;
        std::size_t count = 0;
        la_int64_t offset = 0;
        const int result = ::archive_read_data_block(archive_, &bytes, &count, &offset);
        if (result == ARCHIVE_EOF) return ok();
        if (result != ARCHIVE_OK) return fail(broken());
        if (count == 0) continue;
        const auto at = static_cast<std::uint64_t>(offset);
        if (count > piece_limit || offset < 0 || at < reached || at > size || count > size - at) {
            return fail(Errc::protocol, "a file in the archive has bytes outside of its size");
        }
        reached = at + count;
        CHECK_OK(piece(at, {static_cast<const char*>(bytes), count}));
    }
}

} // namespace slipway::core
