#pragma once

#include "store/base.hpp"
#include "store/blob_form.hpp"

#include <slipway/core/store.hpp>

namespace slipway::store {

/// See Store.
Result<core::VerifyReport> verify(Base& base, Contexts& contexts);
Result<core::StoreUsage> usage(const Base& base);

} // namespace slipway::store
