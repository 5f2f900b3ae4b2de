#pragma once

#include "context.hpp"

#include <slipway/core/store.hpp>

#include <filesystem>

namespace slipway::cli {

/// Where the store is: the variable SLIPWAY_STORE, else `store` in cache_directory.
/// Errors: invalid_argument (neither is known).
Result<std::filesystem::path> store_directory(const Context& context);

/// Errors: those of store_directory and Store::open.
Result<core::Store> open_store(const Context& context);

} // namespace slipway::cli
