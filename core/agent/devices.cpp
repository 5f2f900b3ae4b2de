#include "devices.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace slipway::agent {

namespace {

constexpr const char* place = "/dev";

} // namespace

Devices::Entries Devices::look()
{
    Entries out;
    DIR* list = ::opendir(place);
    if (list == nullptr) return out;
    while (const dirent* found = ::readdir(list)) {
        const std::string_view name = found->d_name;
        struct stat status {};
        if (name == ".."
            || ::fstatat(::dirfd(list), found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        Entry entry;
        entry.mode = status.st_mode;
        entry.device = status.st_rdev;
        entry.uid = status.st_uid;
        entry.gid = status.st_gid;
        std::array<char, 256> target{};
        const ssize_t got =
            ::readlinkat(::dirfd(list), found->d_name, target.data(), target.size());
        if (got > 0) entry.target.assign(target.data(), static_cast<std::size_t>(got));
        out.emplace(name, entry);
    }
    ::closedir(list);
    return out;
}

Devices::Devices() : first_(look()) {}

std::string Devices::clear() const
{
    for (const auto& [name, entry] : look()) {
        if (first_.contains(name)) continue;
        const std::string path = std::string(place) + "/" + name;
        if (::unlink(path.c_str()) != 0 && ::rmdir(path.c_str()) != 0) {
            return path + ": " + ::strerror(errno);
        }
    }
    const Entries now = look();
    for (const auto& [name, entry] : first_) {
        const auto found = now.find(name);
        if (found == now.end() || found->second != entry) {
            return std::string(place) + "/" + name + " is not what it was";
        }
    }
    return {};
}

} // namespace slipway::agent
