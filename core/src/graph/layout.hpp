#pragma once

#include "descriptor.hpp"

#include <slipway/core/digest.hpp>
#include <slipway/core/record.hpp>
#include <slipway/engine/result.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

/// Where things are below `.slipway`:
///
///   built             what is known of all units (BuildLog)
///   digests           what is known of their inputs (InputDigests)
///   fresh             the last build that had nothing to do (note_fresh)
///   file              what was read of slipway.toml (read_unit_file)
///   placing.lock      flock'ed while outputs are put where the user looks
///   units/NAME-ID/    one unit: ID is the begin of its ActionId
///     lock            flock'ed by the process that builds it
///     record          what its last run was made of, for `explain`
///     log             what that run has written
///     out/            its outputs, at their paths
///     placed          which of them were put where the user looks (uplift)
namespace slipway::core::graph {

/// The build directory of a project.
class Layout {
public:
    explicit Layout(const std::filesystem::path& root);

    const std::filesystem::path& root() const noexcept { return root_; }
    const std::filesystem::path& build_directory() const noexcept { return build_; }
    std::filesystem::path digests() const { return build_ / "digests"; }
    std::filesystem::path fresh_note() const { return build_ / "fresh"; }

    /// The name of a unit's directory.
    static std::string unit_name(std::string_view name, const Sha256& action);
    std::filesystem::path unit(std::string_view directory) const;
    std::filesystem::path outputs(std::string_view directory) const;

    /// Makes what is missing, with a CACHEDIR.TAG, and a .gitignore of its own.
    /// Errors: permission_denied, io, conflict (`.slipway` is no directory).
    Result<> make() const;
    Result<> make_unit(std::string_view directory) const;

    /// Held while outputs are put where the user looks. Waits for it: blocks.
    /// Errors: permission_denied, io.
    Result<Fd> lock_placing() const;

    /// The unit's lock, or nothing while another process has it. Errors: permission_denied, io.
    Result<std::optional<Fd>> try_lock(std::string_view directory) const;

private:
    std::filesystem::path root_;
    std::filesystem::path build_;
};

/// What a unit's last run has written; empty where that is not known. One that cannot be written
/// is left out: the store may have it.
std::string read_log_file(const std::filesystem::path& unit_directory);
void write_log_file(const std::filesystem::path& unit_directory, std::string_view bytes);

/// What a unit's last run was made of.
struct UnitRecords {
    Record action;
    Record result;
};
/// Nothing where none can be read.
std::optional<UnitRecords> read_records(const std::filesystem::path& unit_directory);
/// Errors: permission_denied, io.
Result<> write_records(const std::filesystem::path& unit_directory, const UnitRecords& records);

} // namespace slipway::core::graph
