#include "agent/file_status.hpp"

#include <limits>

namespace slipway::agent {

EntryKind kind_of(mode_t mode) noexcept
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return EntryKind::directory;
    case S_IFLNK:
        return EntryKind::symlink;
    case S_IFIFO:
        return EntryKind::fifo;
    case S_IFSOCK:
        return EntryKind::socket;
    case S_IFCHR:
        return EntryKind::character_device;
    case S_IFBLK:
        return EntryKind::block_device;
    default:
        return EntryKind::file;
    }
}

std::int64_t nanoseconds(const timespec& time) noexcept
{
    std::int64_t out = 0;
    if (!__builtin_mul_overflow(std::int64_t{time.tv_sec}, std::int64_t{1'000'000'000}, &out)
        && !__builtin_add_overflow(out, std::int64_t{time.tv_nsec}, &out)) {
        return out;
    }
    return time.tv_sec < 0 ? std::numeric_limits<std::int64_t>::min()
                           : std::numeric_limits<std::int64_t>::max();
}

} // namespace slipway::agent
