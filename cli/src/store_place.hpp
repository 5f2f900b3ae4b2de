#pragma once

#include "context.hpp"

#include <slipway/core/shared_cache.hpp>
#include <slipway/core/store.hpp>

#include <memory>

namespace slipway::cli {

/// The store of this user's builds: the directory that the variable SLIPWAY_STORE names, else
/// `store` in cache_directory. Errors: those of Store::open; not_found (no place for it is known).
Result<core::Store> open_store(const Context& context);

/// What the variable SLIPWAY_CACHE and its kin ask for; null where they ask for none.
/// Errors: invalid_argument.
Task<std::shared_ptr<core::SharedCache>> shared_cache();

} // namespace slipway::cli
