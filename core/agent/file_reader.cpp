#include "file_reader.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

namespace slipway::agent {

namespace {

constexpr std::size_t piece_bytes = std::size_t{256} << 10;

} // namespace

FileReader::FileReader(const Found& found) : path_(found.path)
{
    open(found.parent, found.name, O_NOFOLLOW);
}

FileReader::FileReader(const std::string& path) : path_(path)
{
    open(AT_FDCWD, path.c_str(), 0);
    if (!is_open_ && end_ == TreeEnd::missing) complain(path_, ENOENT);
}

void FileReader::open(int parent, const char* name, int flags)
{
    // Opening a fifo would wait, and opening a device do something.
    struct stat before {};
    const int at_flags = flags == O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0;
    bool good = ::fstatat(parent, name, &before, at_flags) == 0;
    if (good && !S_ISREG(before.st_mode)) {
        end_ =
            complain(path_, S_ISDIR(before.st_mode) ? "Is a directory" : "It is no regular file");
        return;
    }
    if (good) file_ = Fd(::openat(parent, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | flags));
    good = good && file_ && ::fstat(file_.get(), &status_) == 0;
    if (!good) {
        const int error = errno;
        end_ = is_gone(error) ? TreeEnd::missing : complain(path_, error);
        return;
    }
    buffer_ = std::make_unique_for_overwrite<char[]>(piece_bytes);
    is_open_ = true;
}

TreeEnd FileReader::read(off_t at, off_t count, const Take& take)
{
    while (count > 0) {
        const auto most = static_cast<std::size_t>(std::min<off_t>(count, piece_bytes));
        const ssize_t got = ::pread(file_.get(), buffer_.get(), most, at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return complain(path_, errno);
        if (got == 0) return complain(path_, "it became shorter while it was read");
        const TreeEnd end = take(at, {buffer_.get(), static_cast<std::size_t>(got)});
        if (end != TreeEnd::done) return end;
        at += got;
        count -= got;
    }
    return TreeEnd::done;
}

TreeEnd FileReader::read_all(const Take& take)
{
    for (off_t at = 0;;) {
        const ssize_t got = ::pread(file_.get(), buffer_.get(), piece_bytes, at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return complain(path_, errno);
        if (got == 0) return check_unchanged();
        const TreeEnd end = take(at, {buffer_.get(), static_cast<std::size_t>(got)});
        if (end != TreeEnd::done) return end;
        at += got;
        // One that grows might have no end.
        const TreeEnd unchanged = at > status_.st_size ? check_unchanged() : TreeEnd::done;
        if (unchanged != TreeEnd::done) return unchanged;
    }
}

TreeEnd FileReader::check_unchanged() const
{
    struct stat now {};
    if (::fstat(file_.get(), &now) != 0) return complain(path_, errno);
    const bool same = now.st_size == status_.st_size && now.st_mtim.tv_sec == status_.st_mtim.tv_sec
                      && now.st_mtim.tv_nsec == status_.st_mtim.tv_nsec;
    return same ? TreeEnd::done : complain(path_, "it changed while it was read");
}

} // namespace slipway::agent
