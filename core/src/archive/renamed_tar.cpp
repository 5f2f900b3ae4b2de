#include "archive/renamed_tar.hpp"

#include "archive/posix.hpp"
#include "archive/tar_stream.hpp"
#include "archive/transformed.hpp"

#include <slipway/core/byte_pipe.hpp>

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <utility>

namespace slipway::core {

namespace {

class RenamedWriter {
public:
    explicit RenamedWriter(ThreadWriter& out) : out_(&out), archive_(::archive_write_new()) {}
    RenamedWriter(const RenamedWriter&) = delete;
    RenamedWriter& operator=(const RenamedWriter&) = delete;
    // Only a close frees what libarchive holds, and a close writes the end mark.
    ~RenamedWriter()
    {
        is_refusing_ = true;
        ::archive_write_close(archive_);
        ::archive_write_free(archive_);
    }

    Result<> open()
    {
        const bool opened =
            ::archive_write_set_format_pax(archive_) == ARCHIVE_OK
            && ::archive_write_set_options(archive_, "hdrcharset=BINARY") == ARCHIVE_OK
            && ::archive_write_set_bytes_per_block(archive_, 0) == ARCHIVE_OK
            && ::archive_write_open(archive_, this, nullptr, &push, nullptr) == ARCHIVE_OK;
        return opened ? ok() : failed();
    }

    Result<> header(archive_entry* entry)
    {
        return ::archive_write_header(archive_, entry) < ARCHIVE_WARN ? failed() : ok();
    }

    /// Pieces in rising order; what is between them is zeros.
    Result<> data(std::uint64_t offset, std::string_view bytes)
    {
        static constexpr std::array<char, 65'536> zeros{};
        while (written_ < offset) {
            const auto gap = std::min<std::uint64_t>(offset - written_, zeros.size());
            CHECK_OK(write({zeros.data(), static_cast<std::size_t>(gap)}));
        }
        return write(bytes);
    }

    Result<> end_of_file(std::uint64_t size)
    {
        CHECK_OK(data(size, {}));
        written_ = 0;
        return ok();
    }

    Result<> end_mark()
    {
        const std::string mark(tar_end_bytes, '\0');
        CHECK_OK(flush_entry());
        return out_->write(mark);
    }

    Result<> flush_entry()
    {
        return ::archive_write_finish_entry(archive_) < ARCHIVE_WARN ? failed() : ok();
    }

private:
    static ssize_t push(archive* tar, void* self, const void* bytes, std::size_t count)
    {
        auto& writer = *static_cast<RenamedWriter*>(self);
        if (writer.is_refusing_) return -1;
        auto done = writer.out_->write({static_cast<const char*>(bytes), count});
        if (done) return static_cast<ssize_t>(count);
        ::archive_set_error(tar, EPIPE, "the reader has left");
        writer.pipe_error_ = std::move(done).error();
        return -1;
    }

    Result<> write(std::string_view bytes)
    {
        if (bytes.empty()) return ok();
        const auto count = ::archive_write_data(archive_, bytes.data(), bytes.size());
        if (count != static_cast<la_ssize_t>(bytes.size())) return failed();
        written_ += bytes.size();
        return ok();
    }

    Result<> failed()
    {
        if (pipe_error_) return fail(*pipe_error_);
        const char* const said = ::archive_error_string(archive_);
        return fail(
            Errc::io,
            std::string("writing a tar: ") + (said != nullptr ? said : "libarchive failed")
        );
    }

    ThreadWriter* out_;
    archive* archive_;
    std::uint64_t written_ = 0; ///< of the current file
    std::optional<Error> pipe_error_;
    bool is_refusing_ = false;
};

Result<> rename_entry(TarStream& tar, const TarEntry& entry, const TarChange& change, bool& wanted)
{
    TRY(const std::string old, path_below("", entry.path));
    TRY(const std::optional<std::string> name, change.rename(old));
    wanted = name.has_value();
    if (!wanted) return ok();
    const bool is_link =
        entry.kind == TarEntry::Kind::entry && entry.meta.type == EntryType::symlink;
    if (is_link && change.leave_link && change.leave_link(*name, entry.meta.link_target)) {
        wanted = false;
        return ok();
    }
    ::archive_entry_set_pathname(tar.current(), name->c_str());
    if (entry.kind == TarEntry::Kind::hard_link) {
        TRY(const std::string old_target, path_below("", entry.hard_link));
        TRY(const std::optional<std::string> target, change.rename(old_target));
        if (!target && change.lost_link) {
            wanted = false;
            return change.lost_link(old);
        }
        if (!target) {
            return fail(
                Errc::protocol,
                "a link to what is left out of the archive: " + posix::printable(old_target)
            );
        }
        ::archive_entry_set_hardlink(tar.current(), target->c_str());
    }
    ::archive_entry_set_perm(tar.current(), entry.meta.mode & posix::mode_bits);
    ::archive_entry_sparse_clear(tar.current());
    if (const auto time = change.mtime_ns ? change.mtime_ns(*name) : std::nullopt) {
        // Another one is what has become of the file.
        if (posix::same_mtime(entry.meta.mtime_ns, *time)) {
            const timespec mtime = posix::to_timespec(*time);
            ::archive_entry_set_mtime(tar.current(), mtime.tv_sec, mtime.tv_nsec);
        }
    }
    if (change.owner) {
        ::archive_entry_set_uid(tar.current(), change.owner->uid);
        ::archive_entry_set_gid(tar.current(), change.owner->gid);
        ::archive_entry_set_uname(tar.current(), nullptr); // an engine may go by the name
        ::archive_entry_set_gname(tar.current(), nullptr);
    }
    return ok();
}

Result<> rename_all(ThreadReader& from, ThreadWriter& out, const TarChange& change, TarEnd end)
{
    const posix::PlainLocale plain;
    TarStream tar(from);
    RenamedWriter into(out);
    CHECK_OK(into.open());
    for (;;) {
        TRY(const std::optional<TarEntry> entry, tar.next());
        if (!entry) break;
        if (entry->kind == TarEntry::Kind::socket || entry->kind == TarEntry::Kind::device)
            continue;
        bool wanted = false;
        CHECK_OK(rename_entry(tar, *entry, change, wanted));
        if (!wanted) continue;
        CHECK_OK(into.header(tar.current()));
        const bool file =
            entry->kind == TarEntry::Kind::entry && entry->meta.type == EntryType::file;
        if (!file) continue;
        CHECK_OK(tar.data(entry->meta.size, [&](std::uint64_t offset, std::string_view piece) {
            return into.data(offset, piece);
        }));
        CHECK_OK(into.end_of_file(entry->meta.size));
    }
    return end == TarEnd::whole ? into.end_mark() : into.flush_entry();
}

} // namespace

std::shared_ptr<engine::ByteSource> renamed_tar(
    const boost::asio::any_io_executor& executor,
    std::shared_ptr<engine::ByteSource> from,
    TarChange change,
    TarEnd end
)
{
    Transform transform = [change = std::move(change), end](ThreadReader& in, ThreadWriter& out) {
        return rename_all(in, out, change, end);
    };
    return transformed(executor, std::move(from), std::move(transform));
}

} // namespace slipway::core
