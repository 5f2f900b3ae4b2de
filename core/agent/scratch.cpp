#include "scratch.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/xattr.h>

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

/// Whether a directory stands on that mount. False: errno says why, EXDEV when on another.
bool is_on(std::optional<std::uint64_t> mount, const Fd& parent, const char* name, MountQuery query)
{
    // It need not be ours to enter.
    const Fd place(::openat(parent.get(), name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!place) return false;
    const auto here = mount_of(place.get(), query);
    errno = !mount || !here ? ENOTSUP : EXDEV;
    return mount && here == mount;
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

/// Those that a job could leave for the next one: a default ACL, and its own.
void clear_attributes(const Fd& directory)
{
    std::string names(65'536, '\0'); // the kernel gives no more
    const ssize_t size = ::flistxattr(directory.get(), names.data(), names.size());
    names.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    for (std::size_t at = 0; at < names.size(); at += std::strlen(names.c_str() + at) + 1) {
        const std::string_view name = names.c_str() + at;
        if (name.starts_with("user.") || name.starts_with("system.posix_acl_")) {
            ::fremovexattr(directory.get(), name.data());
        }
    }
}

class Clearing {
public:
    Clearing(std::optional<std::uint64_t> mount, MountQuery query) : mount_(mount), query_(query) {}

    std::string error;

    // NOLINTNEXTLINE(misc-no-recursion)
    bool clear(const Fd& directory, const std::string& path)
    {
        bool left = false;
        const auto names = names_in(directory);
        if (!names) return complain(path, errno);
        for (const std::string& name : *names) {
            left = remove(directory, path + "/" + name, name.c_str()) || left;
        }
        return left;
    }

private:
    // NOLINTNEXTLINE(misc-no-recursion)
    bool remove(const Fd& parent, const std::string& path, const char* name)
    {
        if (::unlinkat(parent.get(), name, 0) == 0 || errno == ENOENT) return false;
        if (errno == EBUSY) return true; // a file that is mounted there
        const int refusal = errno;
        if (::unlinkat(parent.get(), name, AT_REMOVEDIR) == 0) return false;
        if (errno == ENOTDIR) return complain(path, refusal);
        if (!is_on(mount_, parent, name, query_)) {
            return errno == EXDEV ? true : complain(path, errno);
        }
        ::fchmodat(parent.get(), name, 0700, 0); // it is no symlink
        const Fd child(::openat(parent.get(), name, directory_flags));
        if (!child) return complain(path, errno);
        const bool left = clear(child, path);
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

    std::optional<std::uint64_t> mount_;
    MountQuery query_;
};

} // namespace

Scratch::Scratch(std::string path, std::string& error, MountQuery query)
    : path_(std::move(path)), directory_(::open(path_.c_str(), directory_flags)), query_(query)
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
    Clearing clearing(mount_of(directory_.get(), query_), query_);
    clearing.clear(directory_, path_);
    if ((now.st_uid != first_.st_uid || now.st_gid != first_.st_gid)
        && ::fchown(directory_.get(), first_.st_uid, first_.st_gid) != 0) {
        clearing.error = path_ + ": " + ::strerror(errno);
    }
    clear_attributes(directory_);
    if (::fchmod(directory_.get(), first_.st_mode & 07777) != 0 && clearing.error.empty()) {
        clearing.error = path_ + ": " + ::strerror(errno);
    }
    return clearing.error;
}

} // namespace slipway::agent
