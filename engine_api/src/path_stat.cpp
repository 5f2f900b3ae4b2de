#include "base64.hpp"
#include "json.hpp"
#include "time_text.hpp"

#include <slipway/engine/archive.hpp>

#include <sys/stat.h>

namespace slipway {

namespace {

struct StatText {
    std::string name;
    std::int64_t size = 0;
    std::uint32_t mode = 0;
    std::string modified;
    std::string link_target;
};

} // namespace

template <>
struct json::Fields<StatText> {
    static constexpr auto list = std::tuple{
        json::optional("name", &StatText::name),
        json::optional("size", &StatText::size),
        json::optional("mode", &StatText::mode),
        json::optional("mtime", &StatText::modified),
        json::optional("linkTarget", &StatText::link_target)};
};

namespace engine {

namespace {

// Go's os.FileMode; its low nine bits are those of Unix.
constexpr std::uint32_t go_directory = 1U << 31U;
constexpr std::uint32_t go_symlink = 1U << 27U;
constexpr std::uint32_t go_device = 1U << 26U;
constexpr std::uint32_t go_fifo = 1U << 25U;
constexpr std::uint32_t go_socket = 1U << 24U;
constexpr std::uint32_t go_set_uid = 1U << 23U;
constexpr std::uint32_t go_set_gid = 1U << 22U;
constexpr std::uint32_t go_character = 1U << 21U; // together with go_device
constexpr std::uint32_t go_sticky = 1U << 20U;
constexpr std::uint32_t go_irregular = 1U << 19U;

FileType type_of(std::uint32_t mode)
{
    if ((mode & go_directory) != 0) return FileType::directory;
    if ((mode & go_symlink) != 0) return FileType::symlink;
    if ((mode & go_character) != 0) return FileType::character_device;
    if ((mode & go_device) != 0) return FileType::block_device;
    if ((mode & go_fifo) != 0) return FileType::fifo;
    if ((mode & go_socket) != 0) return FileType::socket;
    return (mode & go_irregular) != 0 ? FileType::irregular : FileType::regular;
}

std::uint32_t permissions_of(std::uint32_t mode)
{
    std::uint32_t bits = mode & 0777U;
    if ((mode & go_set_uid) != 0) bits |= S_ISUID;
    if ((mode & go_set_gid) != 0) bits |= S_ISGID;
    if ((mode & go_sticky) != 0) bits |= S_ISVTX;
    return bits;
}

} // namespace

Result<PathStat> parse_path_stat(std::string_view header)
{
    const auto text = from_base64(header);
    if (!text || text->empty()) {
        return fail(Errc::protocol, "the engine's path header is not base64");
    }
    TRY(StatText said, json::decode<StatText>(*text));
    PathStat stat;
    stat.name = std::move(said.name);
    stat.size = said.size;
    stat.type = type_of(said.mode);
    stat.permissions = permissions_of(said.mode);
    stat.modified = parse_rfc3339(said.modified);
    // podman repeats the path here for what is no link
    if (stat.type == FileType::symlink) stat.link_target = std::move(said.link_target);
    return stat;
}

std::uint32_t st_mode(const PathStat& stat) noexcept
{
    switch (stat.type) {
    case FileType::regular:
        return S_IFREG | stat.permissions;
    case FileType::directory:
        return S_IFDIR | stat.permissions;
    case FileType::symlink:
        return S_IFLNK | stat.permissions;
    case FileType::character_device:
        return S_IFCHR | stat.permissions;
    case FileType::block_device:
        return S_IFBLK | stat.permissions;
    case FileType::fifo:
        return S_IFIFO | stat.permissions;
    case FileType::socket:
        return S_IFSOCK | stat.permissions;
    case FileType::irregular:
        break;
    }
    return stat.permissions;
}

} // namespace engine

} // namespace slipway
