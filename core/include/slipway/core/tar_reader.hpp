#pragma once

#include <slipway/core/manifest.hpp>
#include <slipway/engine/bytes.hpp>
#include <slipway/engine/result.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace slipway::core {

struct UnpackOptions {
    UnpackOptions() = default; // no aggregate: gcc 12 destroys those twice in a co_await expression

    /// Leading parts of every name that are taken off: "project" for GET archive of
    /// /home/me/project. A name outside of it is an error.
    std::string strip{};
    /// Gets the path relative to the destination; a path it refuses is not touched. Asked for each
    /// entry in the archive on its own, so refusing a directory leaves out its entry and all below.
    EntryFilter keep{};
    /// What was sent. A path that came back as it went is not written, and neither is one that is
    /// no longer on this side as it was sent. None: all is written.
    std::shared_ptr<const Manifest> sent{};
    /// The path in `sent` that stands for the destination, e.g. "home/me/project".
    std::string sent_root{};
    /// What was in the container at the destination's place before the sending, as `list_tar` tells
    /// it. Of that, what was not sent over and came back as it was is not written either.
    std::shared_ptr<const Manifest> stood{};
};

/// A file whose bytes have to be asked for by themselves: a hard link whose other name did not come
/// along, because the filter refused that name or because the file on this side is no longer what
/// was sent; or a file over 1 MiB with the size and mtime it was sent with and other bytes.
struct UnresolvedFile {
    std::string path;   ///< relative to the destination
    std::string target; ///< of a hard link, likewise; else empty
};

/// What `unpack` did. Paths are relative to the destination.
struct Unpacked {
    std::vector<std::string> written{}; ///< files, symlinks, fifos, hard links and new directories
    std::uint64_t written_bytes = 0;    ///< of files
    std::uint64_t unchanged = 0;        ///< entries equal to what was sent
    std::vector<SkippedEntry> skipped{};
    std::vector<UnresolvedFile> unresolved{};
    std::vector<KeptEntry> kept{}; ///< changes that did not come in, all for KeepReason::changed
    std::set<std::string, std::less<>> seen{}; ///< every path in the archive, written or not
    std::string sent_root{};                   ///< as in the options
};

/// Puts a tar (plain, in any dialect libarchive reads) below `destination`, an existing directory,
/// on a thread of its own. At most 1 MiB of it waits in memory.
///
/// The archive is not trusted. Absolute names, `..` and empty names are errors; parents are opened
/// part by part without following symlinks, so nothing is written through one, wherever it came
/// from. A hard link may name only an earlier entry of the same archive. Devices are skipped.
/// Ids are ignored: the caller owns all. For that reason setuid, setgid and sticky are dropped (on
/// directories the bits that stand there stay). The destination's own mode and mtime stay.
///
/// A file is written under a temporary name (".slipway-…") beside its place and renamed into it
/// when it is whole and has its mode and mtime. Where the type changed, the old thing goes: a
/// directory only when empty or when all below it is still what was sent. Blocks of zeros become
/// holes. Directories get their mode and mtime at the end.
///
/// An archive is whole when its two zero blocks came and only zeros after them; whatever else
/// follows is shown in the error, since docker puts the reason of its failure there.
///
/// A path came back as it went when type, mode, mtime and the hash of a file's bytes are those that
/// were sent. An mtime in whole seconds (docker truncates it) counts as equal to one less than a
/// second away.
///
/// With `sent`, what changed on this side too is never replaced: files, symlinks and fifos that are
/// not as they were sent or that were not sent at all, save below a directory that was left out for
/// its CACHEDIR.TAG, and whatever stands where a parent was. The archive's bytes are dropped and
/// the path is in `Unpacked::kept`, unless both sides have the same or the archive's differs from
/// what was sent in nothing but its mtime. Existing directories whose mode or mtime are not for the
/// caller to set keep theirs.
///
/// Cancelling stops the thread and waits for it, which takes no longer than one local write.
///
/// Errors: truncated (no end; what came whole before it stays), engine (the engine's own error text
///   in or behind the archive, shown), protocol (no tar, a hostile entry, other bytes after the
///   end), conflict (without `sent`: a symlink or a directory of this side in the way), io (with a
///   hint when the disk is full), permission_denied, not_found (no destination), cancelled, and
///   whatever `from` gave.
/// API: GET /containers/{id}/archive, 1.24+.
Task<Unpacked> unpack(
    std::shared_ptr<engine::ByteSource> from,
    std::filesystem::path destination,
    UnpackOptions options = {}
);

/// Reads a tar as `unpack` does, and tells what is in it: keys without the leading parts `strip`.
/// Sockets and devices are not listed, nor is the entry of `strip` itself.
///
/// Errors: those of the archive in `unpack`.
Task<Manifest> list_tar(std::shared_ptr<engine::ByteSource> from, std::string strip);

/// What was sent from below `unpacked.sent_root` and did not come back; keys are relative to the
/// destination. Only right when the whole of that path was asked back.
Manifest deleted(const Manifest& sent, const Unpacked& unpacked);

struct Removed {
    std::vector<std::string> removed{};
    std::vector<KeptEntry> kept{}; ///< deepest first
};

/// Removes what `gone` lists from below `destination`, deepest first, without following a symlink.
/// A path that is no longer what was sent (type, mode, size, mtime, bytes, link target; of a
/// directory the type) is kept, and so is a directory that holds what was not sent. One that is
/// gone already, with its parent or alone, is neither removed nor kept, nor is a directory that
/// stays for nothing but what `kept` has already. Blocks.
///
/// Errors: not_found (no destination), permission_denied, io; each with the path.
Result<Removed> remove_deleted(const std::filesystem::path& destination, const Manifest& gone);

} // namespace slipway::core
