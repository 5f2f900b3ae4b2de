#pragma once

#include "store/inventory.hpp"

#include <slipway/core/store.hpp>

#include <cstddef>
#include <functional>
#include <vector>

/// What a collection removes, as far as one look at the store tells.
namespace slipway::store {

struct Holding {
    Item item;
    std::vector<std::size_t>
        blobs{}; ///< of a result: their places among `Contents::blobs`, each once
    bool pinned = false;
    bool damaged = false;
};

struct Contents {
    std::vector<Holding> records; ///< results and notes
    std::vector<Item> blobs;      ///< in the order of their keys
};

struct Plan {
    std::vector<std::size_t> records; ///< to be removed, the least recently used first
    std::vector<std::size_t> blobs;   ///< afterwards
    std::uint64_t in_use = 0;         ///< see GcReport
};

/// `now`: ns since 1970; what is from later counts as from now. `in_use`: whether some process
/// may use what was used last at that time.
Plan plan_collection(
    const Contents& contents,
    const core::GcOptions& options,
    std::int64_t now,
    const std::function<bool(std::int64_t)>& in_use
);

} // namespace slipway::store
