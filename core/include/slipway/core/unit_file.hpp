#pragma once

#include <slipway/engine/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// `slipway.toml`: what a project builds, as its file says it.
namespace slipway::core {

inline constexpr std::string_view unit_file_name = "slipway.toml";

/// Where something stands in the file, for errors.
struct FilePlace {
    std::uint32_t line = 0; ///< from 1; 0: not in a file
    std::uint32_t column = 0;

    friend bool operator==(const FilePlace&, const FilePlace&) = default;
};

struct UnitToolchain {
    std::string name;
    std::string image;    ///< a reference; or
    std::string target;   ///< one of slipway's own images
    std::string platform; ///< "os/arch[/variant]"; empty: the engine's
    FilePlace place;

    friend bool operator==(const UnitToolchain&, const UnitToolchain&) = default;
};

/// A cache that units have in common, which is never part of a key and may be removed at any time.
struct UnitCache {
    std::string name;
    std::string path;    ///< absolute, in the sandbox
    bool locked = false; ///< one unit at a time has it

    friend bool operator==(const UnitCache&, const UnitCache&) = default;
};

/// A path of a unit, or a pattern (see TreeItem), relative to the file's directory and in its
/// shortest form. Of those that may be either, one is a pattern that has any of `*`, `?`, `[` and
/// `\`; a path means all below it, too.
struct UnitPath {
    std::string text;
    FilePlace place;

    friend bool operator==(const UnitPath&, const UnitPath&) = default;
};

struct Unit {
    std::string name;
    std::string toolchain;            ///< name of one
    std::vector<std::string> command; ///< argv; a `script` is ["sh", "-euc", SCRIPT]
    /// Paths and patterns: sent, and part of the key. What one of them finds of the unit's own
    /// outputs is none.
    std::vector<UnitPath> inputs;
    /// Paths and patterns: sent, and part of the key are their names, and the contents of those
    /// that `depfile` lists.
    std::vector<UnitPath> discover;
    /// Outputs of other units, or files: each line names one more path of `inputs`.
    std::vector<UnitPath> inputs_from;
    std::vector<UnitPath> outputs; ///< paths; one with a final slash is a directory with all in it
    std::vector<UnitPath> scratch; ///< patterns: what it may leave that is no output
    std::optional<UnitPath> depfile; ///< as compilers write one with -MD
    /// Names of units whose outputs are sent, each once: those that the file names, then those
    /// whose outputs another key names or could match, with the place there.
    std::vector<UnitPath> deps;
    std::map<std::string, std::string> env;
    std::vector<std::string>
        pass_env; ///< names of variables of the caller; their values are part of the key
    std::string network = "none"; ///< "none", or "engine" for the engine's own
    std::vector<UnitCache> caches;
    double cpus = 1;
    std::int64_t memory_bytes = 0;         ///< 0: not limited of its own
    std::chrono::milliseconds deadline{0}; ///< 0: none
    FilePlace place;

    friend bool operator==(const Unit&, const Unit&) = default;
};

struct UnitFile {
    std::filesystem::path path; ///< of the file
    std::vector<UnitToolchain> toolchains;
    std::vector<Unit> units;           ///< in the order of the file
    std::vector<std::string> defaults; ///< names; empty: all

    friend bool operator==(const UnitFile&, const UnitFile&) = default;
};

/// Values for `{target}` and `{profile}`, which may stand in each text of the file. `${target}` is
/// left as it is, and so are all other braces. Where one stands and its value is empty is an error.
struct UnitVariables {
    std::string target;
    std::string profile;
};

/// Reads the file. An error names the file, line and column, what is wrong and, of a misspelt key
/// or name, what it may have been.
///
/// `notes`: a file in which what was read is kept, which need not be there; it is taken when the
/// bytes and the variables are the same, and written when they are not. What is damaged, or of
/// another version, is as if it were not there; one that cannot be written is left out. Empty:
/// nothing is kept.
///
/// Errors: not_found, permission_denied, io, invalid_argument (this is no TOML; an unknown key, a
///   wrong type, a value that makes no sense; two units, outputs or toolchains of one name; one
///   output below another's; a path that is absolute or leads out; a toolchain or unit that is not
///   there; a cycle, with its units; no regular file, or larger than 64 MiB).
Result<UnitFile> read_unit_file(
    const std::filesystem::path& file,
    const UnitVariables& variables,
    const std::filesystem::path& notes = {}
);

} // namespace slipway::core
