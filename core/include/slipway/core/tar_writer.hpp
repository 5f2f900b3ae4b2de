#pragma once

#include <slipway/core/byte_pipe.hpp>
#include <slipway/core/manifest.hpp>
#include <slipway/engine/bytes.hpp>
#include <slipway/engine/result.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace slipway::core {

/// A local file or directory and the name it gets in the archive.
struct PackRoot {
    /// The root itself is resolved as the system does (a symlink here is followed);
    /// below it no symlink is.
    std::filesystem::path local;
    /// "home/me/project" for /home/me/project in the container; empty puts the directory's
    /// contents at the top, with no entry for the directory itself. Directories above are not in
    /// the archive: the engine makes those that are missing and leaves the others alone.
    std::string inside;
};

/// An entry that is in no file. `bytes` is the text of a file or the target of a symlink.
struct PackExtra {
    std::string path; ///< as PackRoot::inside
    std::uint32_t mode = 0644;
    std::string bytes{};
    EntryType type = EntryType::file; ///< not fifo
    std::int64_t mtime_ns = 0;
};

struct PackOptions {
    PackOptions() = default; // no aggregate: gcc 12 destroys those twice in a co_await expression

    std::uint32_t uid = 0; ///< owner of every entry
    std::uint32_t gid = 0;
    /// Gets the path relative to its root; the root is not asked for. All are sent when empty.
    EntryFilter keep{};
    /// Leaves out directories that hold a CACHEDIR.TAG with the signature of
    /// https://bford.info/cachedir/ (never a root).
    bool skip_tagged_caches = false;
    std::vector<PackExtra> extras{}; ///< sent after the roots
};

/// A tar that is made while it is read.
class TarSource : public engine::ByteSource {
public:
    /// What was sent; keys are paths in the archive, extras included. Only after `read` gave 0:
    /// before that, and after an error, Errc::invalid_argument.
    virtual Result<Manifest> manifest() const = 0;
};

/// Makes a pax tar of `roots` for a request body. The walk starts at the first read, on a thread of
/// its own that stays at most 1 MiB ahead. Dropping the source stops the thread and waits for it,
/// which takes no longer than one read of a local file.
///
/// The order is that of the bytes of the names, so equal trees give equal archives. Names travel
/// byte by byte. Hard links among the sent files are kept, symlinks are sent as they are, a sparse
/// file is sent as the bytes it reads as. Sockets and devices are left out and listed in
/// `Manifest::skipped`, as is a file that vanished between the listing and its opening.
///
/// Errors of `read`, each with the path: not_found (a root is missing), permission_denied, io (also
///   a file whose size or mtime changed while it was read), invalid_argument (a root or an extra
///   that is absolute or has a `..`; a root that is a socket or a device).
///   After an error the archive has no end: the connection must be dropped.
std::shared_ptr<TarSource> pack(std::vector<PackRoot> roots, PackOptions options = {});

} // namespace slipway::core
