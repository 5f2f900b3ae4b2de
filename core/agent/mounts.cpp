#include "mounts.hpp"

#include "descriptor.hpp"

#include <fcntl.h>
#include <linux/stat.h>
#include <sys/syscall.h>

#include <array>
#include <charconv>
#include <string>
#include <string_view>

namespace slipway::agent {

namespace {

std::optional<std::uint64_t> by_statx(int fd)
{
    struct statx status {};
    const long failed =
        ::syscall(SYS_statx, fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID, &status);
    if (failed != 0 || (status.stx_mask & STATX_MNT_ID) == 0) return std::nullopt;
    return status.stx_mnt_id;
}

std::optional<std::uint64_t> by_proc(int fd)
{
    const std::string path = "/proc/self/fdinfo/" + std::to_string(fd);
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 512> bytes{};
    const ssize_t got = file ? ::read(file.get(), bytes.data(), bytes.size()) : -1;
    if (got <= 0) return std::nullopt;
    std::string_view text(bytes.data(), static_cast<std::size_t>(got));
    constexpr std::string_view name = "\nmnt_id:";
    const std::size_t at = text.find(name);
    if (at == std::string_view::npos) return std::nullopt;
    text.remove_prefix(at + name.size());
    const std::size_t digit = text.find_first_not_of(" \t");
    text.remove_prefix(digit == std::string_view::npos ? text.size() : digit);
    std::uint64_t id = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), id);
    if (parsed.ec != std::errc()) return std::nullopt;
    return id;
}

} // namespace

std::optional<std::uint64_t> mount_of(int fd, MountQuery query)
{
    std::optional<std::uint64_t> id;
    if (query != MountQuery::proc) id = by_statx(fd);
    if (!id && query != MountQuery::statx) id = by_proc(fd);
    return id;
}

} // namespace slipway::agent
