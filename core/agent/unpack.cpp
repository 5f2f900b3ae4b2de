#include "tree_streams.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace slipway::agent {

namespace {

struct FreeReader {
    void operator()(archive* tar) const { ::archive_read_free(tar); }
};
struct FreeWriter {
    void operator()(archive* disk) const { ::archive_write_free(disk); }
};

/// Whether this process may give files to others.
bool may_chown()
{
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> data{};
    return ::syscall(SYS_capget, &header, data.data()) == 0
           && (data[0].effective & (1U << CAP_CHOWN)) != 0;
}

/// libarchive warns of names that are not plain ASCII, and gives them unchanged.
bool is_harmless(const char* warning)
{
    return warning != nullptr
           && std::string_view(warning).find("can't be converted from") != std::string_view::npos;
}

/// libarchive reads "-1.5" as -1 s and +0.5 s.
void repair_time(archive_entry* entry)
{
    const auto seconds = ::archive_entry_mtime(entry);
    const long rest = ::archive_entry_mtime_nsec(entry);
    if (seconds < 0 && rest > 0) {
        ::archive_entry_set_mtime(entry, seconds - 1, 1'000'000'000L - rest);
    }
}

/// What archive_read_open asks: gives the bytes on, and counts them and the zeros at their end.
class Input {
public:
    explicit Input(Encoding encoding) : stream_(encoding) {}

    static la_ssize_t read(archive* tar, void* self, const void** bytes)
    {
        auto& input = *static_cast<Input*>(self);
        std::string_view got;
        if (!input.take(got)) {
            const std::string words(input.stream_.problem());
            ::archive_set_error(tar, EIO, "%s", words.c_str());
            return -1;
        }
        *bytes = got.data();
        return static_cast<la_ssize_t>(got.size());
    }

    /// Takes what stands behind the end mark.
    bool read_to_end()
    {
        std::string_view got;
        bool good = take(got);
        while (good && !got.empty()) {
            good = take(got);
        }
        return good;
    }
    std::uint64_t bytes() const { return bytes_; }
    /// Those at the end.
    std::uint64_t zeros() const { return zeros_; }
    std::string_view problem() const { return stream_.problem(); }
    /// How the job ends when libarchive could not go on with what it read.
    TreeEnd end() const { return stream_.problem().empty() ? TreeEnd::broken : stream_.end(); }

private:
    bool take(std::string_view& bytes)
    {
        if (!stream_.read(bytes)) return false;
        const std::size_t last = bytes.find_last_not_of('\0');
        zeros_ = last == std::string_view::npos ? zeros_ + bytes.size() : bytes.size() - last - 1;
        bytes_ += bytes.size();
        return true;
    }

    TreeInput stream_;
    std::uint64_t bytes_ = 0;
    std::uint64_t zeros_ = 0;
};

/// What libarchive said, with the system's words when it left them out.
TreeEnd said(std::string_view what, archive* of, TreeEnd end)
{
    const char* const own = ::archive_error_string(of);
    std::string words = own != nullptr ? own : "unknown error";
    const int error = ::archive_errno(of);
    if (error > 0) {
        const std::string_view why = ::strerror(error);
        if (words.find(why) == std::string::npos) words.append(": ").append(why);
    }
    return complain(what, words, end);
}

/// What it said of the stream.
TreeEnd broken(std::string_view what, archive* tar, const Input& input)
{
    if (!input.problem().empty()) return complain(what, input.problem(), input.end());
    const char* const words = ::archive_error_string(tar);
    return complain(what, words != nullptr ? words : "unknown error", TreeEnd::broken);
}

/// Of zeros this much becomes a hole.
constexpr std::size_t hole_bytes = std::size_t{64} << 10;

bool is_hole(std::string_view bytes)
{
    return bytes.size() >= hole_bytes && bytes.front() == '\0'
           && std::memcmp(bytes.data(), bytes.data() + 1, hole_bytes - 1) == 0;
}

/// False at the end.
bool skip_zeros(std::string_view& bytes, la_int64_t& offset)
{
    while (is_hole(bytes)) {
        bytes.remove_prefix(hole_bytes);
        offset += static_cast<la_int64_t>(hole_bytes);
    }
    return !bytes.empty();
}

std::size_t until_zeros(std::string_view bytes)
{
    std::size_t run = std::min(hole_bytes, bytes.size());
    while (run < bytes.size() && !is_hole(bytes.substr(run))) {
        run = std::min(run + hole_bytes, bytes.size());
    }
    return run;
}

TreeEnd copy_data(archive* tar, const Input& input, archive* disk, const char* path)
{
    const void* bytes = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    for (;;) {
        const int got = ::archive_read_data_block(tar, &bytes, &size, &offset);
        if (got == ARCHIVE_EOF) return TreeEnd::done;
        if (got != ARCHIVE_OK) return broken(path, tar, input);
        std::string_view rest(static_cast<const char*>(bytes), size);
        while (skip_zeros(rest, offset)) {
            const std::size_t run = until_zeros(rest);
            if (::archive_write_data_block(disk, rest.data(), run, offset) < ARCHIVE_OK) {
                return said(path, disk, TreeEnd::failed);
            }
            rest.remove_prefix(run);
            offset += static_cast<la_int64_t>(run);
        }
    }
}

/// A directory that is there already gets its mode, with the times, when all is in it.
void make_writable(const char* path)
{
    struct stat status {};
    if (::lstat(path, &status) != 0 || !S_ISDIR(status.st_mode)) return;
    if ((status.st_mode & S_IRWXU) == S_IRWXU || status.st_uid != ::geteuid()) return;
    // What fails here is said by what is written.
    [[maybe_unused]] const int done =
        ::fchmodat(AT_FDCWD, path, (status.st_mode & 07777) | S_IRWXU, 0);
}

TreeEnd unpack_entries(archive* tar, const Input& input, archive* disk)
{
    for (;;) {
        archive_entry* entry = nullptr;
        const int got = ::archive_read_next_header(tar, &entry);
        if (got == ARCHIVE_EOF) break;
        if (got != ARCHIVE_OK
            && !(got == ARCHIVE_WARN && is_harmless(::archive_error_string(tar)))) {
            return broken("the archive", tar, input);
        }
        const char* path = ::archive_entry_pathname(entry);
        if (path == nullptr) {
            return complain("the archive", "an entry has no name", TreeEnd::broken);
        }
        repair_time(entry);
        if (::archive_entry_filetype(entry) == AE_IFDIR) make_writable(path);
        if (::archive_write_header(disk, entry) != ARCHIVE_OK) {
            return said(path, disk, TreeEnd::failed);
        }
        if (::archive_entry_size(entry) > 0) {
            const TreeEnd end = copy_data(tar, input, disk, path);
            if (end != TreeEnd::done) return end;
        }
        if (::archive_write_finish_entry(disk) != ARCHIVE_OK) {
            return said(path, disk, TreeEnd::failed);
        }
    }
    // Directories get their times now.
    const bool closed = ::archive_write_close(disk) == ARCHIVE_OK;
    return closed ? TreeEnd::done : said("the directories", disk, TreeEnd::failed);
}

/// Where the next header would be stand two blocks of zeros, and nothing else behind them. Zeros
/// before that place are a file's.
TreeEnd check_end(archive* tar, Input& input)
{
    constexpr std::uint64_t mark_bytes = 2 * 512;
    if (!input.read_to_end()) return complain("the archive", input.problem(), input.end());
    const auto place = static_cast<std::uint64_t>(::archive_read_header_position(tar));
    if (input.bytes() < place + mark_bytes) {
        return complain("the archive", "it is cut: its end mark is missing", TreeEnd::broken);
    }
    if (input.zeros() < input.bytes() - place) {
        return complain("the archive", "it goes on behind its end mark", TreeEnd::broken);
    }
    return TreeEnd::done;
}

} // namespace

TreeEnd unpack(const Run& run)
{
    const std::string& directory = run.argv.front();
    if (directory.empty()) return complain("unpack", "names no directory", TreeEnd::refused);
    if (const int error = make_directories(directory)) return complain(directory, error);
    if (::chdir(directory.c_str()) != 0) return complain(directory, errno);
    const std::unique_ptr<archive, FreeReader> tar(::archive_read_new());
    const std::unique_ptr<archive, FreeWriter> disk(::archive_write_disk_new());
    int flags = ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_SECURE_SYMLINKS
                | ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS;
    if (may_chown()) flags |= ARCHIVE_EXTRACT_OWNER;
    Input input(static_cast<Encoding>(run.tree.encoding));
    if (::archive_write_disk_set_options(disk.get(), flags) != ARCHIVE_OK
        || ::archive_read_support_format_tar(tar.get()) != ARCHIVE_OK
        || ::archive_read_open(tar.get(), &input, nullptr, &Input::read, nullptr) != ARCHIVE_OK) {
        return broken("the archive", tar.get(), input);
    }
    const TreeEnd end = unpack_entries(tar.get(), input, disk.get());
    return end == TreeEnd::done ? check_end(tar.get(), input) : end;
}

} // namespace slipway::agent
