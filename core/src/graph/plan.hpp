#pragma once

#include "graph/layout.hpp"
#include "graph/source_names.hpp"

#include <slipway/core/build_units.hpp>
#include <slipway/core/unit_identity.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace slipway::core::graph {

/// A unit of a build, with what its file and the names of sources say. No file has been read.
struct PlannedUnit {
    const Unit* unit = nullptr; ///< of the order
    const ResolvedToolchain* toolchain = nullptr;
    std::vector<std::size_t> dependencies; ///< places in the plan, each before this one
    std::vector<std::size_t> dependents;
    Record action;
    Sha256 action_id{};
    std::string directory; ///< Layout::unit_name
    std::string label;     ///< see BuiltUnit
    bool asked = false;    ///< named on the command line, or a default
    /// Declared inputs that no other unit makes, sorted, each once.
    std::vector<std::string> files;
    /// Those that may be discovered, sorted, without `files`.
    std::vector<std::string> discoverable;
    Sha256 discoverable_digest{};
};

/// What is to be built: units after what they need.
struct BuildPlan {
    std::vector<PlannedUnit> units;
};

/// Errors: not_found (an input that is not there, with its line), invalid_argument (no such unit),
///   those of SourceNames.
/// `made_before`: what units have made and make no more, which is no source.
Result<BuildPlan> plan_build(
    const BuildOrder& order, const Layout& layout, const std::vector<std::string>& made_before = {}
);

/// Whether a path is one of these outputs, or below one that is a directory. Outputs as in
/// Unit::outputs.
class OutputPaths {
public:
    void add(std::string_view output);
    bool has(std::string_view path) const;

private:
    std::unordered_set<std::string> files_;
    std::unordered_set<std::string> directories_;
};

} // namespace slipway::core::graph
