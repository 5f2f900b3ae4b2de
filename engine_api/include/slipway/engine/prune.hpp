#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace slipway::engine {

/// What a clean-up removed.
struct Pruned {
    std::vector<std::string> removed;  ///< ids, or names of volumes and networks
    std::uint64_t reclaimed_bytes = 0; ///< as far as the engine counts it
};

} // namespace slipway::engine
