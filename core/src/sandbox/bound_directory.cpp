#include <slipway/core/bound_directory.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace slipway::core {

Result<BoundDirectory> bound_directory(const std::filesystem::path& path)
{
    struct stat status {};
    const bool known = ::lstat(path.c_str(), &status) == 0;
    if (!known || !S_ISDIR(status.st_mode)) {
        const std::error_code cause(known ? ENOTDIR : errno, std::generic_category());
        const bool missing = cause == std::errc::no_such_file_or_directory;
        Error error(missing ? Errc::not_found : Errc::io, path.string() + ": " + cause.message());
        error.cause = cause;
        return fail(std::move(error));
    }
    BoundDirectory bound;
    bound.path = path.string();
    bound.file_system = status.st_dev;
    bound.inode = status.st_ino;
    bound.readable = ::access(path.c_str(), R_OK | X_OK) == 0;
    bound.ours =
        bound.readable && status.st_uid == ::geteuid() && ::access(path.c_str(), W_OK) == 0;
    return bound;
}

} // namespace slipway::core
