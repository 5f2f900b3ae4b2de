#pragma once

#include "descriptor.hpp"

#include <slipway/core/input_digests.hpp>
#include <slipway/core/store.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace slipway::core::graph {

/// A path that a unit has made, and how to tell without reading that it is still so.
struct BuiltOutput {
    StoredOutput what;
    FileMark kept{};   ///< in the unit's directory
    FileMark placed{}; ///< where the user looks; all zero: nobody has put it there
};

/// The last good run of a unit.
struct BuiltUnit {
    std::string directory; ///< UnitPlace::name
    std::string label;     ///< name, target and profile: what the user calls the unit
    Sha256 key{};
    std::vector<std::string> discovered; ///< paths
    std::vector<BuiltOutput> outputs;    ///< directories before what is in them
    Blob log{};                          ///< size 0: it wrote nothing
    std::int64_t duration_ms = 0;
    bool good = false; ///< false: a run of it began, and its end is not known
};

/// So that a text is found by a view of it.
struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept
    {
        return std::hash<std::string_view>()(text);
    }
};

/// What is known of all units of a build directory, in one file that is read at once: a build that
/// has nothing to do reads no other. Lines are added at the end, the last one of a unit holds; a
/// line that is cut or damaged is as if it were not there, with all that follow it. Several
/// processes may add; what others add is seen by `refresh`.
class BuildLog {
public:
    /// Errors: permission_denied, io.
    static Result<BuildLog> open(const std::filesystem::path& build_directory);
    /// What is there, to be looked at alone: nothing is written, no file is made, and nobody waits.
    /// Nothing is known where there is no such file. Errors: permission_denied, io.
    static Result<BuildLog> read(const std::filesystem::path& build_directory);

    /// Nothing when none is known.
    const BuiltUnit* find(std::string_view directory) const;
    /// The one of this label that was added last.
    const BuiltUnit* latest(std::string_view label) const;

    const std::filesystem::path& file() const noexcept { return file_; }
    /// Whether a file of that mark has nothing but what was read of it, or added.
    bool is_read(const FileMark& mark) const noexcept
    {
        return mark.inode == inode_ && mark.size == read_;
    }

    void each(const std::function<void(const BuiltUnit&)>& tell) const;

    Result<> add(BuiltUnit unit);
    /// Reads what other processes have added since. Errors: io.
    Result<> refresh();

private:
    Result<> load();
    Result<> read_new();
    void take(BuiltUnit unit);
    std::size_t read_lines(std::string_view bytes);
    Result<> compact();

    std::filesystem::path file_;
    Fd lock_; ///< of its directory: flock'ed while lines are read or added, or the file replaced
    Fd at_;
    std::uint64_t inode_ = 0;
    std::uint64_t read_ = 0; ///< bytes
    std::size_t lines_ = 0;
    std::unordered_map<std::string, BuiltUnit, TextHash, std::equal_to<>> units_;
    std::unordered_map<std::string, std::string, TextHash, std::equal_to<>> latest_;
};

} // namespace slipway::core::graph
