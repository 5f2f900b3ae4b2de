#pragma once

#include "graph/layout.hpp"
#include "graph/seen_files.hpp"
#include "graph/source_names.hpp"

#include <slipway/core/build_units.hpp>
#include <slipway/core/unit_identity.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace slipway::core::graph {

/// What patterns of Unit::discover mean; units with the same patterns have it in common.
struct DiscoverableFiles {
    std::vector<std::string> paths; ///< sorted, each once
    Sha256 digest{};                ///< names_digest
};

/// A unit of a build, with what its file and the names of sources say.
struct PlannedUnit {
    const Unit* unit = nullptr; ///< of the order
    const ResolvedToolchain* toolchain = nullptr;
    std::vector<std::size_t> dependencies; ///< places in the plan, each before this one
    std::vector<std::size_t> dependents;
    Sha256 action_id{};
    std::string directory; ///< Layout::unit_name
    std::string label;     ///< see BuiltUnit
    bool asked = false;    ///< named on the command line, or a default
    /// Declared inputs that no other unit makes, sorted, each once.
    std::vector<std::string> files;
    std::shared_ptr<const DiscoverableFiles> discoverable; ///< some may be in `files` too
};

/// Grows when the same unit would run in another way.
inline constexpr std::uint32_t command_recipe = 1;

/// What is to be built: units after what they need.
struct BuildPlan {
    std::vector<PlannedUnit> units;
    std::vector<LookedAt> listed; ///< SourceNames::looked_at
};

/// What units have made and make no more, which is no source. Asked for once, when the inputs that
/// are no patterns were looked at.
using MadeBefore = std::function<Result<std::vector<std::string>>()>;

/// Looks at all that is PlannedUnit::files.
/// Errors: not_found (an input that is not there, with its line), invalid_argument (no such unit),
///   those of SourceNames and SeenFiles.
Result<BuildPlan> plan_build(
    const BuildOrder& order, const Layout& layout, SeenFiles& seen, const MadeBefore& made_before
);

/// What PlannedUnit::action_id is the digest of.
Record action_of(const BuildOrder& order, const BuildPlan& plan, const PlannedUnit& planned);

/// Whether a path is one of these outputs, or below one that is a directory. Outputs as in
/// Unit::outputs; their texts stay where they are.
class OutputPaths {
public:
    void add(std::string_view output);
    bool has(std::string_view path) const;

private:
    std::unordered_set<std::string_view> files_;
    std::unordered_set<std::string_view> directories_;
};

} // namespace slipway::core::graph
