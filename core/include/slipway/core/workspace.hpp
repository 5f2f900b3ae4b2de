#pragma once

#include <slipway/core/manifest.hpp>
#include <slipway/engine/bytes.hpp>
#include <slipway/engine/result.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

class ContainerFiles;

/// How a job has the files of a workspace.
enum class FilesBy {
    any,  ///< bind where the engine sees them and the user's ids are the same there, else sync
    bind, ///< its sandbox has the directory itself: nothing travels
    sync, ///< a copy, and what the job changed comes back when it has ended
};

/// A directory of a workspace where commands build, each image in one of its own: what was built
/// with one is of no use to another. In a workspace that is synchronised that is the volume's. In
/// one that is bound it is PATH/.slipway/IMAGE, of which the results have a second name in PATH.
struct BuildDirectory {
    std::filesystem::path path; ///< absolute, below the workspace's root
    std::string variable;       ///< tells the job where to build; empty: it cannot be told
    EntryFilter is_result{};    ///< path relative to the directory; of a directory: has some below
    /// The job removes what was built; where it succeeds, what was built with other images goes,
    /// too.
    bool cleans = false;
};

/// A directory beside a workspace that its jobs need as well.
struct BesideWorkspace {
    std::filesystem::path path; ///< absolute, without symlinks
    bool read_only = false;     ///< what jobs change in it does not stay, or is refused
};

/// A directory tree that a job sees at its own absolute path.
struct Workspace {
    std::filesystem::path root; ///< absolute, without symlinks
    /// None of them is in another one or in the root, or has the root in it.
    std::vector<BesideWorkspace> also{};
    bool read_only = false; ///< as BesideWorkspace::read_only
    FilesBy files = FilesBy::any;
    std::optional<BuildDirectory> build{};
    /// Which of the job's files come back from a copy; path relative to the root. All when empty.
    EntryFilter bring_back{};
    /// Whether a command waits while another one has the volume that its files are kept in. Else it
    /// gets all files anew, and keeps none.
    bool wait = false;
    /// A directory of this side where it is noted between commands what was seen of workspaces; it
    /// need not be there. Empty: all files are read each time.
    std::filesystem::path notes{};
};

/// The workspace of a command that is started in `directory`: the cargo workspace around it, or the
/// package when there is none, else the git work tree it belongs to, else the directory itself.
///
/// Errors: invalid_argument (it would be a directory of the system or the home directory: the hint
///   says how to choose), not_found, io.
Result<std::filesystem::path>
find_workspace(const std::filesystem::path& directory, const std::filesystem::path& home);

/// Refuses directories that belong to the system, and so to the container's own: "/", /etc, /usr,
/// /usr/bin, ..., and all below /dev, /proc and /sys. Projects below the others (/usr/src/x,
/// /var/lib/x) are not refused. `root` is absolute and without symlinks.
///
/// Errors: invalid_argument.
Result<> check_workspace(const std::filesystem::path& root);

/// Ids that files have in the container.
struct Owner {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};

/// What stands at a workspace's path in a container before its command runs.
struct SentWorkspace {
    EntryFilter copied{}; ///< what the workspace's ignore file lets through; path relative to it
    Manifest files;       ///< sent; paths from "/"
    Manifest image;       ///< the image's own; paths relative to the root
};

/// Puts the tree into a container that does not run yet, as one tar stream. Directories that a
/// valid CACHEDIR.TAG marks (cargo's target, say) stay here. What the image has at that path is
/// read first: it is no change of the command's.
Task<std::shared_ptr<const SentWorkspace>>
send_workspace(std::shared_ptr<ContainerFiles> container, Workspace workspace, Owner owner);

struct Fetched {
    std::vector<std::string> written; ///< relative to the root; those of Workspace::also: "../..."
    std::vector<std::string> removed; ///< the job deleted them
    std::vector<KeptEntry> kept;      ///< the job's change or deletion did not come in
    std::uint64_t bytes = 0;          ///< of files written
};

/// Brings back what the job changed, made or deleted: as one tar stream, each file in place as a
/// whole or not at all, owned by the caller, with its mtime and mode. What has changed here since
/// it was sent stays as it is.
///
/// Errors: io (with a hint when the disk is full), truncated, protocol, conflict, engine, ...
Task<Fetched> fetch_workspace(
    std::shared_ptr<ContainerFiles> container,
    Workspace workspace,
    std::shared_ptr<const SentWorkspace> sent
);

} // namespace slipway::core
