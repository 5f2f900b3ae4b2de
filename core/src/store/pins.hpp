#pragma once

#include "store/base.hpp"

#include <slipway/core/store.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace slipway::store {

/// See Store. Errors of `pin` also: invalid_argument (the name).
Result<> pin(Base& base, std::string_view name, const core::Sha256& key);
Result<bool> unpin(Base& base, std::string_view name);

struct Pins {
    std::vector<core::Store::Pin> whole; ///< by name
    std::vector<std::string> damaged;    ///< their paths
};
Result<Pins> read_pins(const Base& base);

} // namespace slipway::store
