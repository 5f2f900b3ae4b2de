#pragma once

#include <slipway/core/build_units.hpp>
#include <slipway/core/lease.hpp>
#include <slipway/core/manifest.hpp>
#include <slipway/core/unit_file.hpp>
#include <slipway/core/workspace.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core::graph {

/// The directory of a unit in its sandbox, whatever the project's own is: so a result is as good in
/// another checkout as in this one.
inline constexpr std::string_view work_directory = "/work";

/// A path that a unit's sandbox gets.
struct SentPath {
    std::string path;            ///< below the work directory
    std::filesystem::path local; ///< of a file
    EntryType type = EntryType::file;
    std::string link_target{}; ///< of a symlink
};

struct UnitRun {
    const Unit* unit = nullptr;
    std::string place; ///< "slipway.toml:12", for errors
    SandboxSpec spec;
    PoolOptions pool;
    std::vector<std::string> env;  ///< "NAME=value"
    Owner owner{};                 ///< of the files
    std::vector<SentPath> sent;    ///< each path once
    std::filesystem::path outputs; ///< a directory that is made, for what the unit has made
    OnFailure on_failure{};
};

/// How it went.
struct UnitRan {
    std::int64_t exit_code = 0;
    /// Why it has failed, where its command does not tell: it could not be started, left an output
    /// out, ... Empty: exit_code says all.
    std::string failure{};
    std::string hint{};
    std::string log{};                 ///< UnitLog::bytes
    std::string depfile{};             ///< its bytes, if there is one
    std::chrono::milliseconds took{0}; ///< the command

    bool good() const noexcept { return exit_code == 0 && failure.empty(); }
};

/// Runs a unit in a sandbox of the pool that has what is sent, and nothing else of the project, and
/// fetches its outputs when it was good.
/// Errors: those of `acquire` and of Lease; io (an output cannot be written here), cancelled.
Task<UnitRan> run_unit(engine::Client client, std::shared_ptr<const UnitRun> order);

} // namespace slipway::core::graph
