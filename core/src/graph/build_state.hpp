#pragma once

#include "graph/build_log.hpp"
#include "graph/layout.hpp"
#include "graph/plan.hpp"

#include <slipway/core/build_units.hpp>
#include <slipway/core/input_digests.hpp>
#include <slipway/core/unit_identity.hpp>

#include <cstddef>
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
    Record record{};     ///< result_record, with the inputs that the last run has discovered
    std::vector<DirtyReason> reasons{}; ///< none: fresh and placed
};

/// A build under way: what is known of its files. One thread's, save where it says otherwise.
class BuildState {
public:
    /// Reads what is known, plans, and looks at all inputs and outputs at once.
    /// `read_only`: nothing is made or written.
    /// Errors: those of Layout, BuildLog, InputDigests, plan_build.
    static Result<std::unique_ptr<BuildState>> open(const BuildOrder& order, bool read_only);

    const BuildOrder& order() const noexcept { return *order_; }
    const Layout& layout() const noexcept { return layout_; }
    const BuildPlan& plan() const noexcept { return plan_; }
    BuildLog& log() noexcept { return *log_; }

    /// What a path below the root is now. Errors: those of InputDigests::look.
    Result<DigestedPath> look(const std::string& path);
    /// The same of many. The paths are looked at anew when `again`.
    Result<> look_at(const std::vector<std::string>& paths, bool again);
    /// Whether files are still as they were looked at.
    bool unchanged(const std::vector<std::string>& paths);

    /// The last good run of a planned unit; nothing where there is none.
    const BuiltUnit* built(std::size_t place) const;

    /// All dependencies have been built. Errors: not_found, invalid_argument (what a file of
    /// inputs_from names), those of `look`.
    Result<UnitKey> key(std::size_t place);
    /// The table of a set of discovered paths, as they are now.
    Result<Record::Table> discovered(std::size_t place, const std::vector<std::string>& paths);
    /// Errors: those of `look`.
    Result<Freshness> freshness(std::size_t place, const UnitKey& key);

    /// Whether all outputs stand in the unit's own directory as they were made.
    bool is_kept(const BuiltUnit& unit) const;
    /// Notes the marks of what was placed, in `unit`.
    void mark(BuiltUnit& unit) const;

    /// Writes what was learned of inputs. Errors: io, permission_denied.
    Result<> save() { return digests_->save(); }

private:
    explicit BuildState(const BuildOrder& order);

    std::vector<std::string> made_before(bool removes);
    Result<std::vector<std::string>> read_lists(std::size_t place);
    Result<std::string> input_text(std::size_t place, const std::string& path);
    bool is_placed(const BuiltUnit& unit);
    void look_at_outputs();

    const BuildOrder* order_;
    Layout layout_;
    BuildPlan plan_;
    std::optional<BuildLog> log_;
    std::optional<InputDigests> digests_;
    std::unordered_map<std::string, DigestedPath> looked_;
    std::unordered_map<std::string, FileMark> placed_; // of outputs, at the begin
};

/// What dependents see of a unit's outputs.
Sha256 outputs_digest(const std::vector<BuiltOutput>& outputs);
/// As DigestedPath::text of the file that it becomes.
std::string output_text(const StoredOutput& output);

} // namespace slipway::core::graph
