#pragma once

#include "store/base.hpp"

#include <slipway/core/store.hpp>

#include <functional>

namespace slipway::store {

/// See Store. `planned` is called before something is removed: tests do then what others may do.
Result<core::GcReport> collect(
    Base& base, const core::GcOptions& options, const std::function<void()>& planned = [] {}
);

} // namespace slipway::store
