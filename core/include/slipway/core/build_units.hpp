#pragma once

#include <slipway/core/digest.hpp>
#include <slipway/core/dirty_reason.hpp>
#include <slipway/core/lease.hpp>
#include <slipway/core/shared_cache.hpp>
#include <slipway/core/store.hpp>
#include <slipway/core/unit_file.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/images.hpp>
#include <slipway/engine/proxies.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Builds the units of a project: those that are stale, in the order of their dependencies.
namespace slipway::core {

/// What a unit's toolchain is on the engine.
struct ResolvedToolchain {
    std::string image;    ///< reference or id, on the engine
    std::string platform; ///< "os/arch[/variant]"
    Sha256 digest{};      ///< toolchain_digest
};

/// Of what an image has (layers, environment, platform), not of how or when it was made: equal
/// images on several engines have the same.
Sha256 toolchain_digest(const engine::ImageInfo& image);

/// What was said of a unit when a build came to it.
enum class UnitOutcome : std::uint8_t {
    fresh,  ///< there was nothing to do
    placed, ///< its outputs were put where the user looks
    reused, ///< somebody has made the same before: its outputs are those of the store
    ran,
    failed,
    left_out, ///< it needs one that has failed, or was not begun
};
/// "fresh", "left-out", ...
std::string_view name(UnitOutcome outcome) noexcept;

struct UnitEnd {
    std::string unit;
    std::string place{}; ///< "slipway.toml:12"
    UnitOutcome outcome = UnitOutcome::fresh;
    std::string log{};          ///< what it wrote; see for_each_piece
    std::int64_t exit_code = 0; ///< of one that has failed
    std::string error{}; ///< why it has failed, if its command did not tell; one line or more
    std::string hint{};
    std::chrono::milliseconds duration{
        0};               ///< of the command; of a reused one, of the run that made it
    bool shared = false;  ///< reused: from the shared cache
    std::string reason{}; ///< why it was not fresh
    std::size_t done = 0; ///< units that have ended, with this one
    std::size_t of = 0;   ///< units of the build
};

/// Calls `each` with the pieces of what a unit has written, in order: whether they went to stderr.
/// What is no log gives nothing.
void for_each_piece(
    std::string_view log, const std::function<void(bool to_stderr, std::string_view)>& each
);

/// What goes on, for whoever shows it. Called on the build's thread.
class BuildWatch {
public:
    virtual ~BuildWatch() = default;

    /// Before a unit runs. `running`: those that run now, with it.
    virtual void begins(const std::string& unit, const std::vector<DirtyReason>& reasons)
    {
        static_cast<void>(unit), static_cast<void>(reasons);
    }
    virtual void ended(const UnitEnd& end) = 0;
    /// Another process builds this unit: it is waited for.
    virtual void waits(const std::string& unit) { static_cast<void>(unit); }
    /// Something that is no failure: the store cannot be written, the shared cache is left alone.
    virtual void warning(const std::string& text) { static_cast<void>(text); }
};

/// A unit's sandbox as it was left when its command failed. `run` is a job in it, with the unit's
/// environment and directory; with a terminal where `terminal` says so.
using OnFailure = std::function<Task<>(
    UnitEnd end,
    std::function<Task<JobResult>(std::vector<std::string> argv, bool terminal, JobStreams)> run
)>;

struct BuildOrder {
    UnitFile file;
    UnitVariables variables;
    std::vector<std::string> units;                      ///< names; empty: the file's default
    std::map<std::string, ResolvedToolchain> toolchains; ///< by name: those of units_to_build
    std::map<std::string, std::string> environment;      ///< of the caller, for Unit::pass_env
    bool force = false;            ///< the units asked for run whether or not they are fresh
    bool keep_going = false;       ///< after a failure, what does not need the failed one
    unsigned jobs = 0;             ///< CPUs that units may use together; 0: those of the engine
    std::filesystem::path out_dir; ///< gets the outputs of the units asked for too; empty: none
    std::string pin; ///< keeps the results of the units asked for, as PIN/UNIT; empty: does not
    engine::Proxies proxies{};
    PoolOptions pool;
    std::shared_ptr<Store> store;        ///< null: nothing is stored nor reused
    std::shared_ptr<SharedCache> shared; ///< null: there is none
    OnFailure on_failure{};
};

struct BuildSummary {
    std::size_t fresh = 0, placed = 0, reused = 0, ran = 0, failed = 0, left_out = 0;
    std::int64_t exit_code = 0; ///< of the first unit that has failed; 1 where it has none
};

/// Where a project's build directory has what was read of its slipway.toml; see read_unit_file.
std::filesystem::path unit_file_notes(const std::filesystem::path& project);

/// Names of the units that a build is about: those asked for and what they need, in the order of
/// the file. Errors: invalid_argument (no unit of that name).
Result<std::vector<std::string>>
units_to_build(const UnitFile& file, const std::vector<std::string>& asked);

/// Builds. A unit that is fresh costs a look at its files. One that is not runs in a sandbox that
/// has its inputs and what its dependencies have made at /work, and nothing else; its outputs are
/// kept in .slipway/units beside the file, stored, and put at their paths. What was known of it is
/// dropped before it runs and written when its outputs are there, so that one which was killed is
/// never taken for fresh.
///
/// Errors: those of the files (not_found: an input; with its line), of the engine, cancelled (all
///   that ran is ended). A unit that fails is no error: BuildSummary::failed.
Task<BuildSummary>
build_units(engine::Client client, BuildOrder order, std::shared_ptr<BuildWatch> watch);

/// What a build would find.
struct UnitForecast {
    std::string unit;
    bool fresh = false;
    std::vector<DirtyReason> reasons{}; ///< none: it is fresh
    std::string directory{};            ///< what it made is kept there
};

/// Tells of each unit, in the order in which they would be built, whether it has to run and why.
/// Nothing is run, nothing is written. Blocks. Errors: those of the files.
Result<std::vector<UnitForecast>> forecast_units(const BuildOrder& order);

} // namespace slipway::core
