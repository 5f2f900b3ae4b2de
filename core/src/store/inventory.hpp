#pragma once

#include "store/base.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace slipway::store {

/// A file with a digest for its name.
struct Item {
    Kind kind = Kind::blob;
    core::Sha256 key{};
    std::int64_t mtime = 0; ///< ns since 1970
    std::uint64_t disk = 0; ///< bytes as on disk
};

struct Listed {
    std::vector<Item> items;         ///< in the order of their keys
    std::vector<std::string> others; ///< files whose names are no such ones: paths
};

/// All of a kind. What goes meanwhile is left out.
Result<Listed> list(const Base& base, Kind kind);

} // namespace slipway::store
