#pragma once

#include <slipway/core/store.hpp>

#include <vector>

namespace slipway::core::graph {

/// The first of these outputs that is a symlink whose way leads out of the project, be it through
/// others of them; null: none does. Paths are clean.
const StoredOutput* leading_out(const std::vector<StoredOutput>& outputs);

} // namespace slipway::core::graph
