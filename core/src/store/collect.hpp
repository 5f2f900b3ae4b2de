#pragma once

#include "store/base.hpp"

#include <slipway/core/store.hpp>

namespace slipway::store {

/// See Store.
Result<core::GcReport> collect(Base& base, const core::GcOptions& options);

} // namespace slipway::store
