#pragma once

#include "graph/build_state.hpp"
#include "graph/layout.hpp"

#include <slipway/core/build_units.hpp>
#include <slipway/core/store.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace slipway::core::graph {

/// A unit of a build that had nothing to do.
struct FreshUnit {
    std::uint32_t place = 0; ///< in UnitFile::units
    std::string directory;   ///< Layout::unit_name
    Blob log{};              ///< as BuiltUnit::log
};

/// Notes that all units of a plan are fresh and placed, with the marks of all that this hangs on:
/// inputs, lists, listed directories, outputs, the file of what was built. Where a mark is too
/// young to be trusted nothing is noted. `ended`: places in the plan.
/// Errors: io, permission_denied.
Result<> note_fresh(const BuildState& state, const std::vector<std::size_t>& ended);

/// The units of that build, in the order in which they ended, when this one has the same to do and
/// all marks are as they were: then each is as fresh as it was. Nothing else is read. Nothing where
/// anything differs, or the note is not there, damaged or of another version.
std::optional<std::vector<FreshUnit>> still_fresh(const BuildOrder& order, const Layout& layout);

} // namespace slipway::core::graph
