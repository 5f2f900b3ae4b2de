#pragma once

#include <slipway/core/digest.hpp>
#include <slipway/core/record.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// Which unit of work something is, and whether what it made is still good.
namespace slipway::core {

/// What a unit is for, so that one build does not evict another's results.
enum class UnitMode : std::uint8_t { build, test };

/// Where a unit's package comes from.
enum class SourceKind : std::uint8_t { path };

/// All that tells one unit from another: it names the directory of its outputs. What the unit is
/// made of has no part in it (contents, times), nor where it stands (absolute paths), nor flags
/// that only map such paths: what changes with those replaces what was made before.
struct UnitIdentity {
    std::string recipe; ///< "command", "cargo", "cmake"
    std::uint32_t recipe_version = 1;
    std::string package; ///< its name; empty where there are none
    std::string package_version;
    SourceKind source = SourceKind::path;
    std::string path; ///< of the package, relative to the workspace; "." for itself
    std::string name; ///< of the unit
    std::vector<std::string> features; ///< in any order, each once
    std::string profile;
    UnitMode mode = UnitMode::build;
    std::string target;               ///< triple; empty: what the toolchain makes by itself
    std::string platform;             ///< "os/arch[/variant]" that it runs on; empty: the engine's
    Sha256 toolchain{};               ///< see toolchain_digest
    std::vector<Sha256> dependencies; ///< their ActionIds, in any order
};

/// The record that the ActionId is the digest of.
Record action_record(const UnitIdentity& identity);
Sha256 action_id(const UnitIdentity& identity);

/// What decides whether a unit has to run. Tables are from a name or path to text for a person,
/// which says all that matters of it.
struct UnitInputs {
    Sha256 action{};
    std::vector<std::string> command;
    std::map<std::string, std::string, std::less<>> env; ///< that the unit sets
    std::map<std::string, std::string, std::less<>>
        variables; ///< of the caller, as `variable_text`
    std::string network;
    std::vector<std::string> outputs; ///< declared, in order
    std::string depfile;              ///< declared
    Record::Table files;              ///< declared inputs: DigestedPath::text
    Sha256 discoverable{};            ///< names of what could be discovered; see names_digest
    Record::Table dependencies;       ///< name of the unit to the digest of its outputs
};

/// "=VALUE", or "unset" for a variable that is not there.
std::string variable_text(const std::string* value);

/// Of paths in any order.
Sha256 names_digest(std::vector<std::string> paths);

/// The record of all that is known before the unit has run. Its digest finds the sets of inputs
/// that runs have discovered.
Record declared_record(const UnitInputs& inputs);

/// The record that the ResultKey is the digest of: with the inputs that were discovered.
Record result_record(const UnitInputs& inputs, const Record::Table& discovered);
Sha256 result_key(const UnitInputs& inputs, const Record::Table& discovered);

} // namespace slipway::core
