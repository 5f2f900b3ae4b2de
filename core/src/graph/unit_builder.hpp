#pragma once

#include "graph/build_state.hpp"
#include "graph/fresh_note.hpp"

#include <slipway/core/build_units.hpp>

#include <cstddef>
#include <memory>

namespace slipway::core::graph {

/// What the units of one build have in common.
struct Build {
    engine::Client client;
    BuildOrder order;
    std::shared_ptr<BuildWatch> watch;
    std::unique_ptr<BuildState> state;
    Owner owner{};
    bool told_store = false; ///< that it cannot be written
    std::size_t ended = 0;   ///< units
};

/// "slipway.toml:12", and the same with the unit: "slipway.toml:12: unit app: ".
std::string place_of(const BuildOrder& order, const FilePlace& place);
std::string place_text(const Build& build, std::size_t place);

/// A unit that is not fresh: places what it has made, takes the result of somebody else, or runs
/// it. All it depends on has been built. A unit that fails is no error.
/// Errors: those that end a build.
Task<UnitEnd> build_unit(std::shared_ptr<Build> build, std::size_t place);

/// A unit that is fresh and in its place. Errors: io.
UnitEnd fresh_unit(Build& build, std::size_t place);
/// The same of one that is known by its note.
UnitEnd fresh_unit(const BuildOrder& order, const Layout& layout, const FreshUnit& unit);

} // namespace slipway::core::graph
