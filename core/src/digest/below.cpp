#include "digest/below.hpp"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

namespace slipway::core {

namespace {

constexpr int beneath_flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
constexpr int one_step_flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
// No device is opened for long, none becomes our terminal.
constexpr int beneath_file_flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
constexpr int most_links = 40;  // as Linux has it
constexpr int most_tries = 100; // while others rename directories

Fd open_beneath(int root, const char* path, int flags)
{
    open_how how{};
    how.flags = static_cast<unsigned>(flags);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    long fd = -1;
    for (int i = 0; i < most_tries; ++i) {
        fd = ::syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) break;
    }
    return Fd(static_cast<int>(fd));
}

// One name of the way at a time. Nothing of it, with errno, where the name is no directory and no
// symlink; `text` is filled for a symlink.
Fd one_step(int at, const std::string& name, std::string& text)
{
    Fd next(::openat(at, name.c_str(), one_step_flags));
    struct stat status {};
    if (!next || ::fstat(next.get(), &status) != 0) return Fd();
    if (S_ISDIR(status.st_mode)) return next;
    if (!S_ISLNK(status.st_mode)) {
        errno = ENOTDIR;
        return Fd();
    }
    std::array<char, PATH_MAX + 1> buffer{};
    const ssize_t size = ::readlinkat(next.get(), "", buffer.data(), buffer.size());
    if (size < 0) return Fd();
    text.assign(buffer.data(), static_cast<std::size_t>(size));
    return next;
}

// As openat2 does it, for any length of the path.
Fd walk(int root, std::string rest)
{
    std::vector<Fd> way;
    int links = 0;
    std::size_t at = 0;
    while (at < rest.size()) {
        const std::size_t end = std::min(rest.find('/', at), rest.size());
        const std::string name = rest.substr(at, end - at);
        at = end + 1;
        if (name.empty() || name == ".") continue;
        if (name == ".." && way.empty()) {
            errno = EXDEV;
            return Fd();
        }
        if (name == "..") {
            way.pop_back();
            continue;
        }
        std::string text;
        Fd next = one_step(way.empty() ? root : way.back().get(), name, text);
        if (!next) return next;
        if (text.empty()) {
            way.push_back(std::move(next));
            continue;
        }
        if (text.front() == '/' || ++links > most_links) {
            errno = text.front() == '/' ? EXDEV : ELOOP;
            return Fd();
        }
        rest = at < rest.size() ? text + "/" + rest.substr(at) : text;
        at = 0;
    }
    if (way.empty()) return Fd(::openat(root, ".", beneath_flags));
    return std::move(way.back());
}

} // namespace

Below::Below(int root, bool by_hand) noexcept : root_(root), by_hand_(by_hand)
{
    // EPERM: a filter of system calls that is older than this one.
    by_hand_ = by_hand_ || (!open_beneath(root, ".", beneath_flags) && errno != EACCES);
}

Fd Below::directory(const std::string& path) const
{
    if (by_hand_ || path.size() >= PATH_MAX) return walk(root_, path);
    return open_beneath(root_, path.empty() ? "." : path.c_str(), beneath_flags);
}

Fd Below::file(const std::string& path) const
{
    if (!by_hand_ && path.size() < PATH_MAX)
        return open_beneath(root_, path.c_str(), beneath_file_flags);
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return Fd(::openat(root_, path.c_str(), beneath_file_flags));
    const Fd above = walk(root_, path.substr(0, slash));
    if (!above) return Fd();
    return Fd(::openat(above.get(), path.c_str() + slash + 1, beneath_file_flags));
}

bool is_nothing(int error) noexcept
{
    return error == ENOENT || error == ENOTDIR || error == ELOOP || error == EXDEV
           || error == ENAMETOOLONG;
}

} // namespace slipway::core
