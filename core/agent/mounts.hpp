#pragma once

#include <cstdint>
#include <optional>

namespace slipway::agent {

/// How the mount of a descriptor is asked for.
enum class MountQuery {
    statx, ///< Linux 5.8
    proc,  ///< /proc/self/fdinfo, for older ones and where a filter does not know the call
    any,   ///< the first of them that works
};

/// The number of the mount on which an open file stands, which may be open for its path only. Two
/// mounts of one file system have two numbers. Nothing when it is not to be known.
std::optional<std::uint64_t> mount_of(int fd, MountQuery query = MountQuery::any);

} // namespace slipway::agent
