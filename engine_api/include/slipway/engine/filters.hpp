#pragma once

#include <map>
#include <string>
#include <vector>

namespace slipway::engine {

/// What a list is narrowed to, as in `{"label": {"slipway.owner=me"}, "status": {"running"}}`.
/// Values of one key are alternatives, except for `label`, where all must hold.
using Filters = std::map<std::string, std::vector<std::string>>;

} // namespace slipway::engine
