#include "net/private_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace slipway::engine {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view name_begin = "slipway-ssh-";
constexpr int most_tries = 10;           // each lost to somebody's sweep
constexpr std::size_t longest_base = 60; // a socket's path has 107 bytes
constexpr std::string_view plain_characters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-";

fs::path directory_for_sockets()
{
    const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
    const std::string_view named = runtime != nullptr ? runtime : "";
    const bool good = runtime != nullptr && named.starts_with('/') && named.size() <= longest_base
                      && named.find_first_not_of(plain_characters) == std::string_view::npos
                      && ::access(runtime, W_OK | X_OK) == 0;
    return good ? fs::path(named) : fs::path("/tmp");
}

// What a call of the system that gave -1 failed with.
std::error_code last_error()
{
    return {errno, std::generic_category()};
}

// The lock of a directory of ours; none when somebody else has it (operation_would_block), it is
// gone or another one by now (no_such_file_or_directory), or it cannot be locked at all.
OwnedFd lock_of(const fs::path& directory, std::error_code& why)
{
    const auto failed = [&](bool call) {
        if (call) why = last_error();
        return call;
    };
    OwnedFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat held {};
    struct stat there {};
    why = {};
    if (failed(fd.get() < 0 || ::fstat(fd.get(), &held) != 0)) return OwnedFd();
    if (held.st_uid != ::geteuid()) {
        why = std::make_error_code(std::errc::operation_not_permitted);
        return OwnedFd();
    }
    if (failed(::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)) return OwnedFd();
    if (failed(::lstat(directory.c_str(), &there) != 0)) return OwnedFd();
    if (there.st_ino != held.st_ino || there.st_dev != held.st_dev) { // swept away meanwhile
        why = std::make_error_code(std::errc::no_such_file_or_directory);
        return OwnedFd();
    }
    return fd;
}

void sweep(const fs::path& base)
{
    std::error_code failed;
    fs::directory_iterator entry(base, failed);
    for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
        if (!entry->path().filename().string().starts_with(name_begin)) continue;
        std::error_code why;
        const OwnedFd lock = lock_of(entry->path(), why);
        if (!why) fs::remove_all(entry->path(), why);
    }
}

} // namespace

Result<PrivateDirectory> PrivateDirectory::make()
{
    const fs::path base = directory_for_sockets();
    sweep(base);
    std::error_code why;
    for (int tries = 0; tries < most_tries; ++tries) {
        std::string name = (base / (std::string(name_begin) + "XXXXXX")).string();
        if (::mkdtemp(name.data()) == nullptr) {
            why = last_error();
            break;
        }
        OwnedFd lock = lock_of(name, why);
        if (!why) return PrivateDirectory(name, std::move(lock));
        ::rmdir(name.c_str());
        const bool swept =
            why == std::errc::operation_would_block || why == std::errc::no_such_file_or_directory;
        if (!swept) break; // it would be the same with the next one
    }
    Error error(
        why == std::errc::permission_denied ? Errc::permission_denied : Errc::io,
        "cannot make a directory of our own in " + base.string() + ": " + why.message()
    );
    error.cause = why;
    return fail(std::move(error));
}

PrivateDirectory::~PrivateDirectory()
{
    std::error_code ignored;
    if (lock_.get() >= 0) fs::remove_all(path_, ignored);
}

} // namespace slipway::engine
