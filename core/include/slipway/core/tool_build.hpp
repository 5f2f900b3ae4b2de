#pragma once

#include <slipway/core/build_units.hpp>
#include <slipway/core/manifest.hpp>
#include <slipway/core/unit_identity.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// A project that a tool of its own builds as a whole (cargo, cmake), as one unit: the tool knows
/// what is stale in it, and is only asked when something has changed.
namespace slipway::core {

struct ToolUnit {
    std::filesystem::path root; ///< of the workspace, which gets a .slipway; absolute
    /// Further directories that the tool reads: absolute. They may be part of `root`.
    std::vector<std::filesystem::path> beside{};
    UnitIdentity identity; ///< `name` is the unit's
    /// Command, variables and network. Of the rest, what the files say is filled in.
    UnitInputs inputs;
    /// What it makes is as good where the checkout has been moved to: the root's own path has no
    /// part in `inputs`, wherever a text has it.
    bool movable = false;
    std::filesystem::path results; ///< what the tool makes is below; absolute, none of it is input
    EntryFilter is_output;         ///< path relative to `results`; of a directory: has some below
    /// Inputs that the tool makes where they are missing, relative to the root.
    std::vector<std::string> made_inputs{};
    /// A file that the tool leaves below `results` when it would have something to do again at
    /// once. Empty: there is none.
    std::string never_done{};
    /// How names of outputs end that are depfiles: what they name below the root is input, too,
    /// also in directories with a CACHEDIR.TAG. Empty: there are none.
    std::string depfiles{};
    std::string manifest{}; ///< name of a file that is input, too, in the directories above those
};

/// A variable for UnitInputs::env. Of one whose name tells that it is a secret, its digest stands
/// for the value: what a unit was made of is kept in a file, and shown.
std::string shown_variable(std::string_view name, const std::string& value);

/// Runs the tool, and gives its exit code. `wrote` is to be told all that it writes.
using RunTool = std::function<
    Task<std::int64_t>(std::function<void(bool to_stderr, std::string_view bytes)> wrote)>;

/// Runs the tool where something of the unit has changed since its last good run: sources, which
/// are all files of the root and beside it, but for directories with a CACHEDIR.TAG and the inside
/// of .git (of which what names the commit and tags is looked at), the command, the toolchain, or
/// one of its outputs. Else UnitEnd is `fresh` and has what the tool wrote then; a path that
/// another process builds is waited for. UnitEnd::log is empty when it ran: whoever runs it shows
/// that. Where nothing can be noted, or a source cannot be read, the tool runs each time; also
/// after a run in which somebody has written to a source.
///
/// Errors: those of `run`, cancelled.
Task<UnitEnd> build_tool(ToolUnit unit, bool force, RunTool run, std::shared_ptr<BuildWatch> watch);

/// What `build_tool` would find. Nothing is written. Blocks. Errors: as build_tool.
Result<UnitForecast> forecast_tool(const ToolUnit& unit);

} // namespace slipway::core
