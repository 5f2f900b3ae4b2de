#include "remove_tree.hpp"

#include "descriptor.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <vector>

namespace slipway::agent {

namespace {

bool is_not_there(int error)
{
    return error == ENOENT || error == ENOTDIR;
}

int list(int directory, std::vector<std::string>& names)
{
    Fd copy(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    DIR* const stream = copy ? ::fdopendir(copy.get()) : nullptr;
    if (stream == nullptr) return errno;
    copy.release();
    errno = 0;
    while (const dirent* const entry = ::readdir(stream)) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    const int error = errno;
    ::closedir(stream);
    return error;
}

// NOLINTNEXTLINE(misc-no-recursion)
int remove_at(int parent, const std::string& name, const std::string& path, std::string& failed)
{
    failed = path;
    if (::unlinkat(parent, name.c_str(), 0) == 0 || is_not_there(errno)) return 0;
    if (errno == EACCES || errno == EPERM) {
        // Of a directory this says that it is one, or that its parent is read-only.
        struct stat status {};
        if (::fstat(parent, &status) == 0) ::fchmod(parent, status.st_mode | S_IRWXU);
        if (::unlinkat(parent, name.c_str(), 0) == 0) return 0;
    }
    const int refused = errno;
    if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
    if (errno == ENOTDIR) return refused;
    if (errno != ENOTEMPTY && errno != EEXIST) return errno;
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    Fd directory(::openat(parent, name.c_str(), flags));
    if (!directory && errno == EACCES && ::fchmodat(parent, name.c_str(), S_IRWXU, 0) == 0) {
        directory = Fd(::openat(parent, name.c_str(), flags));
    }
    if (!directory) return errno;
    std::vector<std::string> names;
    if (const int error = list(directory.get(), names)) return error;
    for (const std::string& below : names) {
        if (const int error = remove_at(directory.get(), below, path + "/" + below, failed)) {
            return error;
        }
    }
    failed = path;
    return ::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : errno;
}

} // namespace

int remove_tree(int top, const std::string& path, std::string& failed)
{
    failed = path;
    const std::size_t slash = path.rfind('/');
    const std::string above = slash == std::string::npos ? "." : path.substr(0, slash);
    const Fd parent(::openat(top, above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!parent) return is_not_there(errno) ? 0 : errno;
    return remove_at(parent.get(), path.substr(slash == std::string::npos ? 0 : slash + 1), path, failed);
}

} // namespace slipway::agent
