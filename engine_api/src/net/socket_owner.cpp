#include "net/socket_owner.hpp"

#include "discovery/text.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <vector>

namespace slipway::engine {

std::optional<SocketOwner> socket_owner(const std::string& path)
{
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) return {};
    SocketOwner out;
    out.uid = about.st_uid;
    out.gid = about.st_gid;
    out.mode = about.st_mode & 07777U;
    std::vector<char> buffer(65536);
    passwd user{};
    passwd* found_user = nullptr;
    if (getpwuid_r(out.uid, &user, buffer.data(), buffer.size(), &found_user) == 0
        && found_user != nullptr) {
        out.user = user.pw_name;
    }
    ::group group{};
    ::group* found_group = nullptr;
    if (getgrgid_r(out.gid, &group, buffer.data(), buffer.size(), &found_group) == 0
        && found_group != nullptr) {
        out.group = group.gr_name;
    }
    return out;
}

std::string permission_hint(const std::optional<SocketOwner>& owner)
{
    const std::string rootless =
        "use an engine of your own: `systemctl --user start podman.socket` (rootless podman), or "
        "rootless docker";
    if (!owner) return "another user keeps this socket to itself; " + rootless;
    // A connection needs the write bit. Membership of root's own group is nothing to hand out.
    if (owner->gid != 0 && (owner->mode & 0020U) != 0) {
        if (owner->group.empty()) {
            return "the socket belongs to group " + std::to_string(owner->gid)
                   + ", which has no name here; run as a member of it, or " + rootless;
        }
        return "the socket belongs to group " + discovery::quote(owner->group)
               + ": run `sudo usermod -aG " + discovery::shell_quote(owner->group)
               + " $USER` and log in again, or " + rootless;
    }
    if (owner->uid != 0) {
        return "the socket belongs to user "
               + (owner->user.empty() ? std::to_string(owner->uid) : discovery::quote(owner->user))
               + " alone: run as that user, or " + rootless;
    }
    return "root alone may use this socket; " + rootless;
}

} // namespace slipway::engine
