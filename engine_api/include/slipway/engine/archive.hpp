#pragma once

#include <slipway/engine/transport.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::engine {

enum class FileType {
    regular,
    directory,
    symlink,
    character_device,
    block_device,
    fifo,
    socket,
    irregular,
};

/// What an engine says of one path in a container.
struct PathStat {
    std::string name;      ///< last part of the path
    std::int64_t size = 0; ///< bytes
    FileType type = FileType::regular;
    std::uint32_t permissions = 0; ///< st_mode & 07777: set-id and sticky bits too
    std::optional<std::chrono::sys_time<std::chrono::nanoseconds>> modified{};
    std::string link_target{}; ///< of a symlink, else empty
};

/// S_IFMT type and permissions as the C library has them.
std::uint32_t st_mode(const PathStat& stat) noexcept;

/// Reads the value of `X-Docker-Container-Path-Stat`: base64 of either alphabet, padded or not,
/// over JSON with Go's file mode bits. Errors: protocol.
Result<PathStat> parse_path_stat(std::string_view header);

struct PutArchive {
    /// Refuse to put a directory over a file and the other way round (HTTP 500 on all engines).
    bool no_overwrite_dir_non_dir = false;
    /// dockerd: give the entries to the container's configured user; podman 4: to root. Leave it
    /// off and set the ids in the archive.
    bool copy_uid_gid = false;
};

struct Download {
    PathStat stat;
    /// Tar bytes, uncompressed. An engine that fails midway ends the stream cleanly, after a JSON
    /// text or nothing; so its end is an error when the two zero blocks of a tar did not come.
    /// Errors: truncated, engine (with the engine's text), protocol (no tar).
    std::unique_ptr<ResponseStream> tar;
};

/// Files in and out of containers, running or not. Valid as long as the transport. Errors beside
/// the listed ones are those of Containers.
class Archives {
public:
    explicit Archives(Transport& transport) noexcept : transport_(&transport) {}

    /// Unpacks a tar (plain, gzip, bzip2 or xz) into the directory `path`. Engines take a tar that
    /// is cut short for a whole one, so `tar` must fail, and not end, when it has no more to give.
    /// Podman loses what arrives while it cleans up after a container's end: inspect until the
    /// state is "exited". Errors: not_found (no container; no directory, except where
    ///   Traits::put_archive_makes_directories), invalid_argument or unauthorized (read-only file
    ///   system), and whatever `tar` fails with.
    /// API: PUT /containers/{id}/archive.
    Task<> put(std::string_view container, std::string_view path, std::shared_ptr<ByteSource> tar);
    Task<>
    put(std::string_view container,
        std::string_view path,
        std::shared_ptr<ByteSource> tar,
        const PutArchive& options);

    /// A tar of `path`, whose entries start with its last part. Podman gives all entries to the
    /// container's user, and takes `*` in a path for a pattern. dockerd 20.10 leaves file type bits
    /// in the modes: mask them. Errors: not_found. API: GET /containers/{id}/archive.
    Task<Download> get(std::string_view container, std::string_view path);

    /// Follows no final symlink. A dangling one is a value on every engine.
    /// Errors: not_found. API: HEAD /containers/{id}/archive.
    Task<PathStat> stat(std::string_view container, std::string_view path);

private:
    Transport* transport_;
};

} // namespace slipway::engine
