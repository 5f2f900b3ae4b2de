#pragma once

#include "graph/build_state.hpp"
#include "graph/run_unit.hpp"
#include "graph/unit_builder.hpp"

#include <cstddef>
#include <memory>

namespace slipway::core::graph {

/// What a unit's run is: its sandbox, the files that it gets, its environment. All but
/// UnitRun::outputs. All it depends on has been built. Errors: not_found, io.
Result<std::shared_ptr<UnitRun>> order_unit(Build& build, std::size_t place, const UnitKey& key);

} // namespace slipway::core::graph
