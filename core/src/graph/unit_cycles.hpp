#pragma once

#include <slipway/core/unit_file.hpp>

#include <cstdint>
#include <vector>

namespace slipway::core {

/// For each unit the numbers of those in its `deps`, in the same order.
using UnitEdges = std::vector<std::vector<std::uint32_t>>;

/// Errors: invalid_argument (units wait for each other in a circle; it tells them from the one on
/// that stands first in the file).
Result<> check_unit_cycles(const UnitFile& file, const UnitEdges& edges);

} // namespace slipway::core
