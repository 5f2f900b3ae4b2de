#pragma once

#include <slipway/core/manifest.hpp>
#include <slipway/engine/result.hpp>

#include <string>
#include <vector>

namespace slipway::core {

/// What an uplift did; paths relative to the build directory.
struct Uplifted {
    std::vector<std::string> written;
    std::vector<std::string> removed;
};

/// Directories by descriptors, which are borrowed: what is at their paths may change meanwhile.
struct UpliftPlaces {
    int from = -1; ///< -1: it is not there, and there are no results
    int to = -1;
    int records = -1;    ///< the directory of the record
    std::string record;  ///< its name: which results the last uplift has put there
    bool copies = false; ///< no second names: what is done to a result stays with it
    std::string shown;   ///< the path of `to`, for errors
};

/// See BuildPlace::uplift.
Result<Uplifted> uplift(const UpliftPlaces& places, const EntryFilter& is_result);

} // namespace slipway::core
