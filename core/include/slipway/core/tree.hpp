#pragma once

#include <slipway/core/manifest.hpp>
#include <slipway/engine/result.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

/// What is asked for of the files of a sandbox, and what is told of them.
namespace slipway::core {

/// A part of a directory of a sandbox: what is there, and all below it.
///
/// A path is a name as it is, whatever characters it has; symlinks on its way are followed. A
/// pattern is held against paths below the directory, part by part between slashes:
///
///   *        any characters, also none; names that begin with a dot are names like others
///   ?        one character: of UTF-8, or a byte that is none
///   [a-z_]   one of these; [!a-z_] and [^a-z_] another one
///   \*       the character itself
///   **       alone between slashes: any number of directories, also none; at the end: all below
///
/// No pattern reaches through a symlink. Neither is absolute or has a `..`; a pattern has no part
/// `.` and no empty one, either.
struct TreeItem {
    enum class Kind { path, pattern };
    enum class Need { required, optional }; ///< whether it is an error that nothing is there

    TreeItem(Kind what, std::string words, Need how = Need::required)
        : kind(what), need(how), text(std::move(words))
    {
    }

    Kind kind;
    Need need;
    std::string text;
};

enum class Digest {
    none,
    xxh3_128, ///< for what stays on one machine
    sha256,   ///< for what is shared, or compared with a digest of OCI
};

/// What a sandbox has at a path.
struct TreeEntry {
    enum class Kind { entry, socket, character_device, block_device };

    std::string path; ///< below the directory that was asked for; "." for that itself
    Kind kind = Kind::entry;
    /// Without inode and ctime, which are this side's. `type` only for Kind::entry; `content` when
    /// Digest::xxh3_128 was asked for.
    ManifestEntry meta;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t links = 0;       ///< names that it has, here and elsewhere
    std::uint64_t file_system = 0; ///< names of one file have equal numbers in this and `inode`
    std::uint64_t inode = 0;
    std::uint32_t device_major = 0;
    std::uint32_t device_minor = 0;
    std::uint64_t allocated = 0; ///< bytes of a file that are no hole; on Road::exec its size
    std::optional<std::array<unsigned char, 32>> sha256; ///< of a file, when it was asked for
};

/// Takes entries one after the other; an error of its own ends what gives them.
using TreeEntries = std::function<Result<>(const TreeEntry&)>;

struct FileAttributes {
    FileAttributes() =
        default; // no aggregate: gcc 12 destroys those twice in a co_await expression

    std::uint32_t mode = 0644;              ///< 07777 of it
    std::optional<std::int64_t> mtime_ns{}; ///< nanoseconds since 1970; none: when it is written
};

} // namespace slipway::core
