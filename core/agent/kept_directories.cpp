#include "kept_directories.hpp"

#include "sync/tree_scan.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace slipway::agent {

namespace {

constexpr std::size_t most = 16;

Fd open_own(const Run& run)
{
    const Fd root(::open(run.argv.front().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) return {};
    const std::string name(sync::own_directory);
    struct stat there {};
    const bool is_other = ::fstatat(root.get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0
                          && !S_ISDIR(there.st_mode);
    if (is_other) ::unlinkat(root.get(), name.c_str(), 0); // a job's; the name is ours
    const bool made = ::mkdirat(root.get(), name.c_str(), 0755) == 0;
    Fd own(::openat(root.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (made && own && run.has_ids && ::fchown(own.get(), run.uid, run.gid) != 0) return {};
    return own;
}

bool is_same(const Fd& own, const std::string& path)
{
    struct stat open {};
    struct stat there {};
    return ::fstat(own.get(), &open) == 0 && ::lstat(path.c_str(), &there) == 0
           && open.st_dev == there.st_dev && open.st_ino == there.st_ino;
}

} // namespace

int KeptDirectories::open(const Run& run)
{
    const std::string& path = run.argv.front();
    const std::string own_path = path + "/" + std::string(sync::own_directory);
    const auto known = open_.find(path);
    if (known != open_.end() && is_same(known->second, own_path)) return known->second.get();
    if (known == open_.end() && open_.size() == most) {
        errno = EMFILE;
        return -1;
    }
    Fd own = open_own(run);
    if (!own) return -1;
    return open_.insert_or_assign(path, std::move(own)).first->second.get();
}

} // namespace slipway::agent
