#pragma once

#include "graph/build_log.hpp"
#include "graph/layout.hpp"
#include "graph/plan.hpp"
#include "graph/seen_files.hpp"

#include <slipway/core/build_units.hpp>
#include <slipway/core/unit_identity.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace slipway::core::graph {

/// What a unit's key is made of, as things are now.
struct UnitKey {
    UnitInputs inputs;
    /// Further declared inputs: what files of Unit::inputs_from name.
    std::vector<std::string> listed{};
};

/// What a look at a unit found.
struct Freshness {
    bool fresh = false;  ///< the key is that of the last run, whose outputs are known
    bool placed = false; ///< and they stand where the user looks
    std::vector<DirtyReason> reasons{}; ///< none: fresh and placed
};

/// A build under way: what is known of its files. One thread's, save where it says otherwise.
class BuildState {
public:
    /// Reads what is known, plans, and looks at all inputs and outputs at once.
    /// `read_only`: nothing is made or written. Once `stop` is true it ends soon with an error.
    /// Errors: those of Layout, BuildLog, SeenFiles, plan_build.
    static Result<std::unique_ptr<BuildState>>
    open(const BuildOrder& order, bool read_only, const std::atomic<bool>* stop = nullptr);

    const BuildOrder& order() const noexcept { return *order_; }
    const Layout& layout() const noexcept { return layout_; }
    const BuildPlan& plan() const noexcept { return plan_; }
    BuildLog& log() noexcept { return *log_; }
    const BuildLog& log() const noexcept { return *log_; }

    SeenFiles& files() noexcept { return *files_; }
    const SeenFiles& files() const noexcept { return *files_; }

    /// Before anything was looked at: ns since 1970.
    std::int64_t began() const noexcept { return began_; }
    /// What stood where units had put what they made, at the begin.
    std::vector<LookedAt> outputs() const;
    /// Files of Unit::inputs_from that stand in a unit's own directory, with marks from before
    /// they were read.
    const std::vector<LookedAt>& lists() const noexcept { return lists_; }
    /// What PlannedUnit::action_id is the digest of.
    Record action(const PlannedUnit& planned) const { return action_of(*order_, plan_, planned); }

    /// The last good run of a planned unit; nothing where there is none.
    const BuiltUnit* built(std::size_t place) const;

    /// All dependencies have been built. Errors: not_found, invalid_argument (what a file of
    /// inputs_from names), those of SeenFiles.
    Result<UnitKey> key(std::size_t place);
    /// The table of a set of discovered paths, as they are now.
    Result<Record::Table> discovered(std::size_t place, const std::vector<std::string>& paths);
    /// Errors: those of SeenFiles.
    Result<Freshness> freshness(std::size_t place, const UnitKey& key);

    /// Whether all outputs stand in the unit's own directory as they were made.
    bool is_kept(const BuiltUnit& unit) const;
    /// Notes the marks of what was placed, in `unit`.
    void mark(BuiltUnit& unit) const;

private:
    explicit BuildState(const BuildOrder& order);

    Result<> open_log(bool read_only);
    std::vector<std::string> made_before(bool removes);

    Result<std::vector<std::string>> read_lists(std::size_t place);
    Result<std::string> input_text(std::size_t place, const std::string& path);
    bool is_placed(const BuiltUnit& unit);
    void look_at_outputs();

    const BuildOrder* order_;
    Layout layout_;
    BuildPlan plan_;
    std::optional<BuildLog> log_;
    std::optional<SeenFiles> files_;
    std::unordered_map<std::string, FileMark> placed_; // of outputs, at the begin
    std::vector<LookedAt> stray_; // the same of those that no unit declares any more
    std::vector<LookedAt> lists_;
    std::int64_t began_ = 0;
};

/// What dependents see of a unit's outputs.
Sha256 outputs_digest(const std::vector<BuiltOutput>& outputs);
/// As DigestedPath::text of the file that it becomes.
std::string output_text(const StoredOutput& output);

} // namespace slipway::core::graph
