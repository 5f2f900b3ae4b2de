#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace slipway::engine {

/// Whose a socket file is. A name is empty where the user database has none.
struct SocketOwner {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t mode = 0; ///< permission bits
    std::string user;
    std::string group;
};

/// The owner of the file at `path`; nothing when it cannot be asked for.
std::optional<SocketOwner> socket_owner(const std::string& path);

/// What a user does who may not connect to a socket.
std::string permission_hint(const std::optional<SocketOwner>& owner);

} // namespace slipway::engine
