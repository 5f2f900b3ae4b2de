#pragma once

#include "sync/tree_scan.hpp"

#include <slipway/core/manifest.hpp>
#include <slipway/engine/result.hpp>

#include <atomic>
#include <filesystem>
#include <vector>

/// The workspace on this side. All of this blocks.
namespace slipway::core::local_tree {

/// What was noted in `file` by `note`. Nothing where there is none, or none that can be read.
sync::KnownTree noted(const std::filesystem::path& file);

/// Keeps it for the next command; one that cannot be kept is no error.
void note(const std::filesystem::path& file, sync::KnownTree& tree);

/// Looks at what of the workspace is `copied`, with the digests that `known` has. Errors:
///   permission_denied, io, not_found, cancelled; each with the path.
Result<sync::Scan> scan(
    const std::filesystem::path& root,
    const EntryFilter& copied,
    const sync::KnownTree& known,
    const std::atomic<bool>& stop
);

/// Reads files for their digests. Errors: those of scan, io also when a file changed meanwhile.
Result<> read(
    const std::filesystem::path& root,
    sync::KnownTree& tree,
    const std::vector<std::size_t>& places,
    const std::atomic<bool>& stop
);

} // namespace slipway::core::local_tree
