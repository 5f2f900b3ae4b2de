#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

enum class EntryType { file, directory, symlink, fifo };
std::string_view to_string(EntryType type) noexcept;

/// XXH3-128 of a file's bytes.
struct ContentHash {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    friend bool operator==(const ContentHash&, const ContentHash&) = default;
};

/// What is known of one path. A hard link is a file like its other names.
struct ManifestEntry {
    EntryType type = EntryType::file;
    std::uint32_t mode = 0;               ///< permission, setuid, setgid and sticky bits: 07777
    std::uint64_t size = 0;               ///< bytes of a file; 0 for all else
    std::int64_t mtime_ns = 0;            ///< nanoseconds since 1970, negative before
    std::string link_target{};            ///< of a symlink, as it stands there
    std::optional<ContentHash> content{}; ///< of a file, when its bytes were read
    std::uint64_t inode = 0;              ///< on this side; 0 in an archive
    std::int64_t ctime_ns = 0;            ///< likewise; no program can set it back

    friend bool operator==(const ManifestEntry&, const ManifestEntry&) = default;
};

enum class SkipReason {
    socket,       ///< nothing to carry
    device,       ///< never carried in either direction
    tagged_cache, ///< a directory with a valid CACHEDIR.TAG
    vanished,     ///< was listed in its directory and gone when it was opened
    filtered,     ///< the caller's filter said no (only reported by `unpack`)
};
std::string_view to_string(SkipReason reason) noexcept;

struct SkippedEntry {
    std::string path; ///< as in the manifest it stands in
    SkipReason reason;
};

/// Why a path on this side stays as it is, though the container's is another.
enum class KeepReason {
    changed,   ///< it changed on both sides
    deleted,   ///< the container deleted it, but it changed on this side
    not_empty, ///< the container deleted the directory, but here it holds what was not sent
};
std::string_view to_string(KeepReason reason) noexcept;

struct KeptEntry {
    std::string path;
    KeepReason reason;

    friend bool operator==(const KeptEntry&, const KeptEntry&) = default;
};

/// A snapshot of a tree: path (relative, '/' between parts, any byte but NUL) to what stood there.
struct Manifest {
    std::map<std::string, ManifestEntry, std::less<>> entries{};
    std::vector<SkippedEntry> skipped{};
};

/// Decides about one path; false on a directory also leaves out all below it. Called on a worker
/// thread, while the operation it was given to is alive.
using EntryFilter = std::function<bool(std::string_view path, EntryType type)>;

} // namespace slipway::core
