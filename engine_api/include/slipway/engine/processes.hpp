#pragma once

#include <string>
#include <vector>

namespace slipway::engine {

/// The table of a container's processes. The last column may have white space inside.
struct ProcessTable {
    std::vector<std::string> titles;            ///< "PID", "CMD", ...
    std::vector<std::vector<std::string>> rows; ///< one text a title
};

} // namespace slipway::engine
