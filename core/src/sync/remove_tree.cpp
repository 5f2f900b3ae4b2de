#include "sync/remove_tree.hpp"

#include "descriptor.hpp"
#include "sync/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace slipway::sync {

namespace {

bool is_not_there(int error)
{
    return error == ENOENT || error == ENOTDIR;
}

// A directory of ours that is writable for a moment.
class Writable {
public:
    explicit Writable(int directory) : directory_(directory)
    {
        const bool known = ::fstat(directory, &status_) == 0;
        changed_ = known && (status_.st_mode & S_IRWXU) != S_IRWXU
                   && ::fchmod(directory, (status_.st_mode & 07777) | S_IRWXU) == 0;
    }
    Writable(const Writable&) = delete;
    Writable& operator=(const Writable&) = delete;
    ~Writable()
    {
        if (changed_) ::fchmod(directory_, status_.st_mode & 07777);
    }

private:
    int directory_;
    struct stat status_ {};
    bool changed_ = false;
};

// Never what a symlink leads to, also not one that was put there just now.
bool open_up(int parent, const std::string& name)
{
    const Fd place(::openat(parent, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    const std::string itself = "/proc/self/fd/" + std::to_string(place.get());
    return place && ::chmod(itself.c_str(), S_IRWXU) == 0;
}

// NOLINTNEXTLINE(misc-no-recursion)
int remove_at(int parent, const std::string& name, const std::string& path, std::string& failed)
{
    failed = path;
    if (::unlinkat(parent, name.c_str(), 0) == 0 || is_not_there(errno)) return 0;
    if (errno == EACCES || errno == EPERM) {
        // Of a directory this says that it is one, or that its parent is read-only.
        const Writable writable(parent);
        if (::unlinkat(parent, name.c_str(), 0) == 0) return 0;
        if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0) return 0;
    }
    const int refused = errno;
    if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
    if (errno == ENOTDIR) return refused;
    if (errno != ENOTEMPTY && errno != EEXIST) return errno;
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    Fd directory(::openat(parent, name.c_str(), flags));
    if (!directory && errno == EACCES && open_up(parent, name)) {
        directory = Fd(::openat(parent, name.c_str(), flags));
    }
    if (!directory) return errno;
    std::vector<std::string> names;
    if (!names_in(directory.get(), names)) return errno;
    for (const std::string& below : names) {
        if (const int error = remove_at(directory.get(), below, path + "/" + below, failed)) {
            return error;
        }
    }
    failed = path;
    const Writable writable(parent);
    return ::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : errno;
}

} // namespace

int remove_tree(int top, const std::string& path, std::string& failed)
{
    failed = path;
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    Fd at(::openat(top, ".", flags));
    std::size_t begin = 0;
    for (auto slash = path.find('/'); at && slash != std::string::npos;
         slash = path.find('/', begin)) {
        at = Fd(::openat(at.get(), path.substr(begin, slash - begin).c_str(), flags));
        begin = slash + 1;
    }
    if (!at) return is_not_there(errno) || errno == ELOOP ? 0 : errno;
    return remove_at(at.get(), path.substr(begin), path, failed);
}

} // namespace slipway::sync
