#include "net/private_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace slipway::engine {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view name_begin = "slipway-ssh-";
constexpr std::size_t longest_base = 60; // a socket's path has 107 bytes
constexpr std::string_view plain_characters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-";

fs::path directory_for_sockets()
{
    const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
    const std::string_view named = runtime != nullptr ? runtime : "";
    const bool good = named.starts_with('/') && named.size() <= longest_base
                      && named.find_first_not_of(plain_characters) == std::string_view::npos
                      && ::access(runtime, W_OK | X_OK) == 0;
    return good ? fs::path(named) : fs::path("/tmp");
}

// The lock of a directory of ours; -1 when somebody has it, or it is not ours.
int lock_of(const fs::path& directory)
{
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return -1;
    struct stat held {};
    struct stat there {};
    const bool ours = ::fstat(fd, &held) == 0 && held.st_uid == ::geteuid()
                      && ::flock(fd, LOCK_EX | LOCK_NB) == 0
                      && ::lstat(directory.c_str(), &there) == 0 // not swept away meanwhile
                      && there.st_ino == held.st_ino && there.st_dev == held.st_dev;
    if (ours) return fd;
    ::close(fd);
    return -1;
}

void remove_with_lock(const fs::path& directory, int lock)
{
    std::error_code ignored;
    fs::remove_all(directory, ignored);
    ::close(lock);
}

void sweep(const fs::path& base)
{
    std::error_code failed;
    fs::directory_iterator entry(base, failed);
    for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
        if (!entry->path().filename().string().starts_with(name_begin)) continue;
        const int lock = lock_of(entry->path());
        if (lock >= 0) remove_with_lock(entry->path(), lock);
    }
}

} // namespace

Result<PrivateDirectory> PrivateDirectory::make()
{
    const fs::path base = directory_for_sockets();
    sweep(base);
    for (;;) {
        std::string name = (base / (std::string(name_begin) + "XXXXXX")).string();
        if (::mkdtemp(name.data()) == nullptr) {
            const std::error_code cause(errno, std::generic_category());
            Error error(
                cause == std::errc::permission_denied ? Errc::permission_denied : Errc::io,
                "cannot make a directory in " + base.string() + ": " + cause.message()
            );
            error.cause = cause;
            return fail(std::move(error));
        }
        const int lock = lock_of(name);
        if (lock >= 0) return PrivateDirectory(name, lock);
        ::rmdir(name.c_str()); // somebody's sweep was faster
    }
}

PrivateDirectory::PrivateDirectory(PrivateDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1))
{
}

PrivateDirectory::~PrivateDirectory()
{
    if (lock_ >= 0) remove_with_lock(path_, lock_);
}

} // namespace slipway::engine
