#include "descriptor.hpp"
#include "tar.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <string_view>

namespace slipway::agent {

namespace {

constexpr std::size_t block_bytes = std::size_t{256} << 10;

struct FreeEntry {
    void operator()(archive_entry* entry) const { ::archive_entry_free(entry); }
};
struct FreeTar {
    void operator()(archive* tar) const { ::archive_write_free(tar); }
};

/// Packs what it is told, until something fails; then every call is false.
class Packer {
public:
    Packer() : tar_(::archive_write_new()), buffer_(std::make_unique<char[]>(block_bytes)) {}

    bool open()
    {
        // BINARY: names are bytes and travel as they are.
        return ::archive_write_set_format_pax(tar_.get()) == ARCHIVE_OK
               && ::archive_write_set_options(tar_.get(), "hdrcharset=BINARY") == ARCHIVE_OK
               && ::archive_write_set_bytes_per_block(tar_.get(), static_cast<int>(block_bytes))
                      == ARCHIVE_OK
               && ::archive_write_set_bytes_in_last_block(tar_.get(), 1) == ARCHIVE_OK
               && ::archive_write_open_fd(tar_.get(), 1) == ARCHIVE_OK;
    }

    bool close() { return ::archive_write_close(tar_.get()) == ARCHIVE_OK || said("the archive"); }

    // NOLINTNEXTLINE(misc-no-recursion)
    bool add(int parent, const char* name, const std::string& path, bool may_be_missing)
    {
        struct stat status {};
        if (::fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            const bool missing = errno == ENOENT || errno == ENOTDIR;
            return (missing && may_be_missing) || complain(path, ::strerror(errno));
        }
        if (S_ISSOCK(status.st_mode)) return true; // no archive can have one
        const std::unique_ptr<archive_entry, FreeEntry> entry(::archive_entry_new());
        ::archive_entry_copy_stat(entry.get(), &status);
        ::archive_entry_unset_atime(entry.get());
        ::archive_entry_unset_ctime(entry.get());
        set_time(entry.get(), status);
        ::archive_entry_copy_pathname(entry.get(), path.c_str());
        if (S_ISDIR(status.st_mode)) return add_directory(parent, name, path, entry.get());
        if (status.st_nlink > 1) {
            const auto [known, is_new] =
                links_.emplace(std::pair(status.st_dev, status.st_ino), path);
            if (!is_new) {
                ::archive_entry_copy_hardlink(entry.get(), known->second.c_str());
                ::archive_entry_set_size(entry.get(), 0);
                return header(entry.get(), path);
            }
        }
        if (S_ISLNK(status.st_mode)) return add_symlink(parent, name, path, entry.get());
        if (S_ISREG(status.st_mode)) return add_file(parent, name, path, entry.get());
        return header(entry.get(), path);
    }

private:
    /// libarchive prints both numbers as they are with a dot between, so that half a second before
    /// -1 s must be given as -1 and 500000000.
    static void set_time(archive_entry* entry, const struct stat& status)
    {
        const auto seconds = status.st_mtim.tv_sec;
        const long rest = status.st_mtim.tv_nsec;
        if (seconds >= -1 || rest == 0) {
            ::archive_entry_set_mtime(entry, seconds, seconds < 0 ? 0 : rest);
        } else {
            ::archive_entry_set_mtime(entry, seconds + 1, 1'000'000'000L - rest);
        }
    }

    // NOLINTNEXTLINE(misc-no-recursion)
    bool add_directory(int parent, const char* name, const std::string& path, archive_entry* entry)
    {
        if (!header(entry, path)) return false;
        const Fd directory(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        std::vector<std::string> names;
        if (!directory || !list(directory.get(), names)) return complain(path, ::strerror(errno));
        for (const std::string& child : names) {
            // What goes away meanwhile is not there.
            if (!add(directory.get(), child.c_str(), path + "/" + child, true)) return false;
        }
        return true;
    }

    static bool list(int directory, std::vector<std::string>& names)
    {
        Fd copy(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        DIR* stream = copy ? ::fdopendir(copy.get()) : nullptr;
        if (stream == nullptr) return false;
        copy.release();
        while (const dirent* entry = ::readdir(stream)) {
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..") names.emplace_back(name);
        }
        ::closedir(stream);
        std::sort(names.begin(), names.end());
        return true;
    }

    bool add_symlink(int parent, const char* name, const std::string& path, archive_entry* entry)
    {
        std::array<char, 4097> target{};
        const ssize_t size = ::readlinkat(parent, name, target.data(), target.size() - 1);
        if (size < 0) return complain(path, ::strerror(errno));
        target[static_cast<std::size_t>(size)] = '\0';
        ::archive_entry_copy_symlink(entry, target.data());
        ::archive_entry_set_size(entry, 0);
        return header(entry, path);
    }

    bool add_file(int parent, const char* name, const std::string& path, archive_entry* entry)
    {
        const Fd file(::openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        struct stat status {};
        if (!file || ::fstat(file.get(), &status) != 0) return complain(path, ::strerror(errno));
        ::archive_entry_set_size(entry, status.st_size);
        const auto pieces = pieces_of(file.get(), status);
        const bool is_sparse = pieces.size() != 1 || pieces.front().second != status.st_size;
        if (is_sparse && status.st_size > 0) {
            for (const auto& [at, size] : pieces) {
                ::archive_entry_sparse_add_entry(entry, at, size);
            }
        }
        if (!header(entry, path)) return false;
        off_t written = 0;
        for (const auto& [at, size] : pieces) {
            // What lies between is not sent, but libarchive wants it told.
            if (!skip(at - written, path) || !copy(file.get(), at, size, path)) return false;
            written = at + size;
        }
        return skip(status.st_size - written, path);
    }

    using Piece = std::pair<off_t, off_t>; ///< begin and size

    static std::vector<Piece> pieces_of(int file, const struct stat& status)
    {
        std::vector<Piece> out;
        const off_t end = status.st_size;
        if (status.st_blocks * 512 >= end) {
            if (end > 0) out.emplace_back(0, end);
            return out;
        }
        for (off_t at = 0; at < end;) {
            const off_t data = ::lseek(file, at, SEEK_DATA);
            if (data < 0 && errno != ENXIO) return {{0, end}};
            if (data < 0 || data >= end) break;
            const off_t hole = ::lseek(file, data, SEEK_HOLE);
            const off_t stop = hole < 0 || hole > end ? end : hole;
            out.emplace_back(data, stop - data);
            at = stop;
        }
        // An entry of size 0 at the end says that all before is a hole.
        if (out.empty()) out.emplace_back(end, 0);
        return out;
    }

    bool skip(off_t count, const std::string& path)
    {
        static const std::array<char, 65'536> zeros{};
        while (count > 0) {
            const auto size = static_cast<std::size_t>(std::min<off_t>(count, zeros.size()));
            if (::archive_write_data(tar_.get(), zeros.data(), size) < 0) return said(path);
            count -= static_cast<off_t>(size);
        }
        return true;
    }

    bool copy(int file, off_t at, off_t count, const std::string& path)
    {
        while (count > 0) {
            const auto most = static_cast<std::size_t>(std::min<off_t>(count, block_bytes));
            const ssize_t got = ::pread(file, buffer_.get(), most, at);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return complain(path, ::strerror(errno));
            if (got == 0) return complain(path, "it became shorter while it was read");
            const auto size = static_cast<std::size_t>(got);
            if (::archive_write_data(tar_.get(), buffer_.get(), size) < 0) return said(path);
            at += got;
            count -= got;
        }
        return true;
    }

    bool header(archive_entry* entry, const std::string& path)
    {
        return ::archive_write_header(tar_.get(), entry) == ARCHIVE_OK || said(path);
    }

    bool said(const std::string& path)
    {
        const char* words = ::archive_error_string(tar_.get());
        return complain(path, words != nullptr ? words : "unknown error");
    }

    static bool complain(const std::string& path, const char* why)
    {
        std::fprintf(stderr, "pack: %s: %s\n", path.c_str(), why);
        return false;
    }

    std::unique_ptr<archive, FreeTar> tar_;
    std::unique_ptr<char[]> buffer_;
    std::map<std::pair<dev_t, ino_t>, std::string> links_;
};

bool is_below(std::string_view path)
{
    if (path.empty() || path.front() == '/') return false;
    for (std::string_view rest = path;;) {
        const std::size_t slash = rest.find('/');
        if (rest.substr(0, slash) == "..") return false;
        if (slash == std::string_view::npos) return true;
        rest.remove_prefix(slash + 1);
    }
}

} // namespace

int pack(const std::vector<std::string>& words)
{
    const std::string& top = words.front();
    const Fd directory(::open(top.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) {
        std::fprintf(stderr, "pack: %s: %s\n", top.c_str(), ::strerror(errno));
        return 1;
    }
    Packer packer;
    if (!packer.open()) return 1;
    bool all = true;
    for (std::size_t i = 1; i < words.size() && all; ++i) {
        const bool may_be_missing = words[i].starts_with('?');
        const std::string path = words[i].substr(may_be_missing ? 1 : 0);
        if (!is_below(path)) {
            std::fprintf(stderr, "pack: %s: no path below the directory\n", path.c_str());
            all = false;
            break;
        }
        all = packer.add(directory.get(), path.c_str(), path, may_be_missing);
    }
    // What is not whole gets no end mark.
    if (!all) ::_exit(1);
    return packer.close() ? 0 : 1;
}

} // namespace slipway::agent
