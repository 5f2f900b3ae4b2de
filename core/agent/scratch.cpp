#include "scratch.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/xattr.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace slipway::agent {

namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
/// So many directories are open, one in the other; those above are opened again on the way back.
constexpr std::size_t most_open = 32;
/// And so many are remembered, in 8 MiB.
constexpr std::size_t most_above = std::size_t{1} << 19;

bool same(const struct stat& a, const struct stat& b)
{
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// Those that a job could leave for the next one: a default ACL, and its own.
void clear_attributes(int directory)
{
    std::string names(65'536, '\0'); // the kernel gives no more
    const ssize_t size = ::flistxattr(directory, names.data(), names.size());
    names.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    for (std::size_t at = 0; at < names.size(); at += std::strlen(names.c_str() + at) + 1) {
        const std::string_view name = names.c_str() + at;
        if (name.starts_with("user.") || name.starts_with("system.posix_acl_")) {
            ::fremovexattr(directory, name.data());
        }
    }
}

/// Empties a directory. However deep and wide it is, descriptors and memory are bounded: names are
/// not kept but of what is open, and a directory above those is found by `..`, which must be the
/// one through which the way went down.
class Clearing {
public:
    Clearing(const std::string& path, std::optional<std::uint64_t> mount, MountQuery query)
        : path_(&path), mount_(mount), query_(query)
    {
    }

    void clear(const Fd& top)
    {
        enter(Fd(::openat(top.get(), ".", directory_flags)), "");
        while (!levels_.empty()) {
            if (const char* const name = next_name()) {
                remove(name);
            } else {
                leave();
            }
        }
    }

    std::string error; ///< the first one, or empty

private:
    using Id = std::pair<dev_t, ino_t>;

    struct Close {
        void operator()(DIR* list) const { ::closedir(list); }
    };
    struct Level {
        std::unique_ptr<DIR, Close> list;
        std::string name; ///< empty: not known any more
        Id id;
        bool has_changed = false; ///< since its first name was read
        bool has_left = false;    ///< something that stays

        int fd() const { return ::dirfd(list.get()); }
    };

    /// Null at the end. Not every file system gives all names when some are removed meanwhile.
    const char* next_name()
    {
        Level& level = levels_.back();
        for (;;) {
            errno = 0;
            const dirent* const entry = ::readdir(level.list.get());
            if (entry == nullptr) {
                if (errno != 0) keep(".", errno);
                if (!std::exchange(level.has_changed, false)) return nullptr;
                ::rewinddir(level.list.get());
                continue;
            }
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..") return entry->d_name;
        }
    }

    void remove(const char* name)
    {
        Level& level = levels_.back();
        if (::unlinkat(level.fd(), name, 0) == 0) {
            level.has_changed = true;
            return;
        }
        if (errno == ENOENT) return;
        if (errno == EBUSY) { // a file that is mounted there
            level.has_left = true;
            return;
        }
        const int refusal = errno;
        if (::unlinkat(level.fd(), name, AT_REMOVEDIR) == 0) {
            level.has_changed = true;
        } else if (errno == ENOTDIR) {
            keep(name, refusal);
        } else if (errno != ENOENT) {
            descend(name, errno);
        }
    }

    /// Into a directory that could not be removed, and why.
    void descend(const char* name, int refusal)
    {
        Level& level = levels_.back();
        // It need not be ours to enter.
        const Fd place(::openat(level.fd(), name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        struct stat status {};
        if (!place || ::fstat(place.get(), &status) != 0) return keep(name, errno);
        const auto here = mount_of(place.get(), query_);
        if (!mount_ || !here) return keep(name, ENOTSUP);
        const Id id(status.st_dev, status.st_ino);
        if (here != mount_ || left_.contains(id)) {
            level.has_left = true;
        } else if (emptied_ == id) {
            left_.insert(id);
            keep(name, refusal);
        } else if (above_.size() == most_above) {
            left_.insert(id);
            keep(name, ENAMETOOLONG);
        } else {
            ::fchmodat(level.fd(), name, 0755, 0); // it is no symlink, and may have to stay
            enter(Fd(::openat(level.fd(), name, directory_flags)), name);
        }
    }

    void enter(Fd directory, const char* name)
    {
        Level level;
        struct stat status {};
        level.list.reset(directory ? ::fdopendir(directory.get()) : nullptr);
        if (!level.list || ::fstat(directory.get(), &status) != 0) {
            const int why = errno;
            if (level.list) directory.release();
            return keep(name, why);
        }
        directory.release();
        level.name = name;
        level.id = Id(status.st_dev, status.st_ino);
        if (levels_.size() == most_open) {
            above_.push_back(levels_.front().id);
            levels_.pop_front();
        }
        levels_.push_back(std::move(level));
    }

    /// Out of a directory in which nothing is that can be removed.
    void leave()
    {
        const Level done = std::move(levels_.back());
        levels_.pop_back();
        if (done.has_left) {
            left_.insert(done.id);
            clear_attributes(done.fd());
        }
        if (levels_.empty()) return climb(done);
        Level& parent = levels_.back();
        if (::unlinkat(parent.fd(), done.name.c_str(), AT_REMOVEDIR) == 0) {
            parent.has_changed = true;
            return;
        }
        if (errno == ENOENT) return;
        left_.insert(done.id);
        if (done.has_left && errno == ENOTEMPTY) {
            parent.has_left = true;
        } else {
            keep(done.name.c_str(), errno);
        }
    }

    /// Into the directory above, which is not open any more. Among its names is the one from which
    /// the way comes: that goes now.
    void climb(const Level& from)
    {
        if (above_.empty()) return; // the end
        const Id id = above_.back();
        above_.pop_back();
        Fd up(::openat(from.fd(), "..", directory_flags));
        struct stat status {};
        if (!up || ::fstat(up.get(), &status) != 0) {
            keep("..", errno);
        } else if (id != Id(status.st_dev, status.st_ino)) {
            keep("..", ESTALE); // somebody moves directories, and it may be outside
        } else {
            emptied_ = from.id;
            enter(std::move(up), "");
        }
    }

    /// It stays, and why.
    void keep(const char* name, int why)
    {
        if (!levels_.empty()) levels_.back().has_left = true;
        if (why == EBUSY || !error.empty()) return;
        error = *path_;
        if (!above_.empty()) error += "/...";
        for (const Level& level : levels_) {
            if (!level.name.empty()) error.append("/").append(level.name);
        }
        if (*name != '\0') error.append("/").append(name);
        error.append(": ").append(::strerror(why));
    }

    const std::string* path_;
    std::optional<std::uint64_t> mount_;
    MountQuery query_;
    std::deque<Level> levels_; ///< the last of them is being emptied
    std::deque<Id> above_;     ///< those over the first of them
    Id emptied_;               ///< the one from which the way came to a level without a name
    std::set<Id> left_;        ///< no job can make one of these
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
    Clearing clearing(path_, mount_of(directory_.get(), query_), query_);
    clearing.clear(directory_);
    if ((now.st_uid != first_.st_uid || now.st_gid != first_.st_gid)
        && ::fchown(directory_.get(), first_.st_uid, first_.st_gid) != 0) {
        clearing.error = path_ + ": " + ::strerror(errno);
    }
    clear_attributes(directory_.get());
    if (::fchmod(directory_.get(), first_.st_mode & 07777) != 0 && clearing.error.empty()) {
        clearing.error = path_ + ": " + ::strerror(errno);
    }
    return clearing.error;
}

} // namespace slipway::agent
