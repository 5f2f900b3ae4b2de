#pragma once

#include "graph/build_log.hpp"
#include "graph/layout.hpp"

#include <slipway/core/store.hpp>
#include <slipway/engine/result.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The outputs of a unit on their way: from its run or the store into its own directory, and from
/// there to where the user looks. All of it blocks.
namespace slipway::core::graph {

/// The directory that a run or the store fills, empty. `install_outputs` makes it the unit's.
Result<std::filesystem::path> fresh_outputs(const Layout& layout, std::string_view directory);

/// What has been put into `place` by a run that declares `outputs`, with digests; in the store too,
/// where there is one that can be written. Modes become those of new files.
/// `store_failure`: why it is not all in the store; the rest goes on.
/// Errors: invalid_argument (a symlink leads out of the project), io, permission_denied.
Result<std::vector<StoredOutput>>
take_outputs(const std::filesystem::path& place, Store* store, std::optional<Error>& store_failure);

/// Fills `place` from the store. Errors: not_found (the store has lost one), io, permission_denied,
///   protocol (a path of the result is none, or a symlink that leads out of the project).
Result<>
restore_outputs(const std::filesystem::path& place, Store& store, const std::vector<StoredOutput>&);

/// Puts the fresh directory in the place of the unit's outputs. Errors: io, permission_denied.
Result<> install_outputs(const Layout& layout, std::string_view directory);

/// Puts the unit's outputs where the user looks, each in one step, and removes those of earlier
/// runs that it has no more. `before`: what the last run has made; may be null.
/// Errors: conflict (something else is in the way), io, permission_denied.
Result<> place_outputs(
    const Layout& layout,
    std::string_view directory,
    const std::vector<StoredOutput>& outputs,
    const std::vector<BuiltOutput>* before
);

/// Of an open file, from its begin. Errors: io.
Result<Blob> digest_of_file(int file, const std::string& shown);

/// Puts declared outputs (Unit::outputs) into one directory, by the last part of their paths, which
/// are different. Errors: conflict (something else is in the way), io, permission_denied.
Result<> export_outputs(
    const Layout& layout,
    std::string_view directory,
    const std::vector<std::string>& declared,
    const std::filesystem::path& out_dir
);

} // namespace slipway::core::graph
