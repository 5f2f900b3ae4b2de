#include "scratch.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace slipway::agent {

namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

bool same(const struct stat& a, const struct stat& b)
{
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// Below `parent`, on the same mount; errno EXDEV when it is on another.
Fd open_below(const Fd& parent, const char* name)
{
    open_how how{};
    how.flags = static_cast<std::uint64_t>(directory_flags);
    how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
    const long fd = ::syscall(SYS_openat2, parent.get(), name, &how, sizeof how);
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return Fd(static_cast<int>(fd));
    // An old kernel, or a filter that does not know the call.
    Fd plain(::openat(parent.get(), name, directory_flags));
    struct stat here {};
    struct stat above {};
    if (plain && ::fstat(plain.get(), &here) == 0 && ::fstat(parent.get(), &above) == 0
        && here.st_dev != above.st_dev) {
        plain.reset();
        errno = EXDEV;
    }
    return plain;
}

/// Nothing when it cannot be listed; errno says why.
std::optional<std::vector<std::string>> names_in(const Fd& directory)
{
    std::vector<std::string> out;
    Fd copy(::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    DIR* list = copy ? ::fdopendir(copy.get()) : nullptr;
    if (list == nullptr) return std::nullopt;
    copy.release();
    while (const dirent* entry = ::readdir(list)) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") out.emplace_back(name);
    }
    ::closedir(list);
    return out;
}

class Clearing {
public:
    std::string error;

    // NOLINTNEXTLINE(misc-no-recursion)
    bool clear(const Fd& directory, const std::string& path, int depth)
    {
        bool left = false;
        const auto names = names_in(directory);
        if (!names) return complain(path, errno);
        for (const std::string& name : *names) {
            left = remove(directory, path + "/" + name, name.c_str(), depth) || left;
        }
        return left;
    }

private:
    // NOLINTNEXTLINE(misc-no-recursion)
    bool remove(const Fd& parent, const std::string& path, const char* name, int depth)
    {
        if (::unlinkat(parent.get(), name, 0) == 0 || errno == ENOENT) return false;
        if (errno == EBUSY) return true; // a file that is mounted there
        const int refusal = errno;
        if (::unlinkat(parent.get(), name, AT_REMOVEDIR) == 0) return false;
        if (errno == ENOTDIR) return complain(path, refusal);
        Fd child = open_below(parent, name);
        if (!child && errno == EACCES) {
            // Not ours to enter yet; a symlink is not followed, as it is no directory.
            ::fchmodat(parent.get(), name, 0700, 0);
            child = open_below(parent, name);
        }
        if (!child) return errno == EXDEV ? true : complain(path, errno);
        ::fchmod(child.get(), 0700);
        const bool left = clear(child, path, depth + 1);
        if (::unlinkat(parent.get(), name, AT_REMOVEDIR) == 0 || errno == ENOENT) return false;
        if (left && errno == ENOTEMPTY) return true;
        if (errno == EBUSY) return true;
        return complain(path, errno);
    }

    bool complain(const std::string& path, int number)
    {
        if (error.empty()) error = path + ": " + ::strerror(number);
        return false;
    }
};

} // namespace

Scratch::Scratch(std::string path, std::string& error)
    : path_(std::move(path)), directory_(::open(path_.c_str(), directory_flags))
{
    if (!directory_ || ::fstat(directory_.get(), &first_) != 0) {
        error = path_ + ": " + ::strerror(errno);
    }
}

std::string Scratch::clear() const
{
    struct stat now {};
    if (::lstat(path_.c_str(), &now) != 0 || !same(now, first_)) {
        return path_ + ": somebody has put another directory there";
    }
    ::fchmod(directory_.get(), 0700);
    Clearing clearing;
    clearing.clear(directory_, path_, 0);
    if ((now.st_uid != first_.st_uid || now.st_gid != first_.st_gid)
        && ::fchown(directory_.get(), first_.st_uid, first_.st_gid) != 0) {
        clearing.error = path_ + ": " + ::strerror(errno);
    }
    if (::fchmod(directory_.get(), first_.st_mode & 07777) != 0 && clearing.error.empty()) {
        clearing.error = path_ + ": " + ::strerror(errno);
    }
    return clearing.error;
}

} // namespace slipway::agent
