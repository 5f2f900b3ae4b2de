#pragma once

#include "graph/unit_builder.hpp"

#include <slipway/core/store.hpp>
#include <slipway/core/unit_identity.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Results of runs, here or elsewhere, found in two steps: what is declared leads to the sets of
/// inputs that runs have discovered, and each set, as its files are now, to a result.
namespace slipway::core::graph {

struct FoundResult {
    StoredResult result;
    Record record; ///< its key is the digest of this
    Record::Table discovered;
    bool shared = false; ///< it came from the shared cache
};

/// All blobs of the result are in the store when it is found. Errors: cancelled, those of
/// BuildState::discovered.
Task<std::optional<FoundResult>> find_result(Build& build, std::size_t place, UnitInputs inputs);

/// Stores how a run went. Errors: io, permission_denied.
Result<StoredResult> keep_result(
    Store& store,
    StoredResult result,
    std::string_view log,
    const UnitInputs& inputs,
    const std::vector<std::string>& discovered
);

/// Sends what `keep_result` has stored to the shared cache. Errors: cancelled.
Task<> share_result(const BuildOrder& order, StoredResult result, UnitInputs inputs);

} // namespace slipway::core::graph
