#include "store/inventory.hpp"

#include "archive/posix.hpp"

#include <fcntl.h>

#include <cerrno>

namespace slipway::store {

namespace posix = core::posix;

namespace {

constexpr std::uint64_t block_bytes = 512;

// Nothing when it has gone, or is none.
Result<std::vector<std::string>> names_below(const Base& base, const std::string& directory)
{
    Fd fd(::openat(base.top(), directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) {
        return std::vector<std::string>();
    }
    if (!fd) return fail(posix::error(errno, "opening", base.shown(directory)));
    return posix::names_in(std::move(fd), base.shown(directory));
}

} // namespace

Result<Listed> list(const Base& base, Kind kind)
{
    Listed listed;
    const std::string top(directory_of(kind));
    TRY(const auto parts, names_below(base, top));
    for (const std::string& part : parts) {
        const std::string directory = top + "/" + part;
        TRY(const auto names, names_below(base, directory));
        for (const std::string& name : names) {
            const std::string path = directory + "/" + name;
            struct stat status {};
            if (::fstatat(base.top(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
            if (S_ISDIR(status.st_mode)) continue;
            const auto key = core::sha256_from_hex(name);
            if (!key || !name.starts_with(part) || part.size() != 2 || !S_ISREG(status.st_mode)) {
                listed.others.push_back(path);
                continue;
            }
            Item& item = listed.items.emplace_back();
            item.kind = kind;
            item.key = *key;
            item.mtime = posix::mtime_ns(status);
            item.disk = static_cast<std::uint64_t>(status.st_blocks) * block_bytes;
        }
    }
    return listed;
}

} // namespace slipway::store
