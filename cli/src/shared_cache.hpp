#pragma once

#include <slipway/core/shared_cache.hpp>

#include <memory>

namespace slipway::cli {

/// What the variable SLIPWAY_CACHE and its kin ask for; null where they ask for none.
/// Errors: invalid_argument.
Task<std::shared_ptr<core::SharedCache>> shared_cache();

} // namespace slipway::cli
