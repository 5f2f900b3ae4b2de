#pragma once

#include "store/base.hpp"

#include <slipway/core/store.hpp>

#include <optional>
#include <string>
#include <vector>

namespace slipway::store {

/// What of it no reader would take: a path that leads elsewhere, ... Empty: it is sound.
std::string complaint(const core::StoredResult& result);
/// All that it refers to; one may be there twice. A log of `Blob()` is none.
std::vector<core::Blob> blobs_of(const core::StoredResult& result);

/// See Store.
Result<> put_result(Base& base, const core::StoredResult& result);
std::optional<core::StoredResult> find_result(Base& base, const core::Sha256& key);
Result<> put_note(Base& base, const core::Sha256& key, std::string_view bytes);
std::optional<std::string> find_note(Base& base, const core::Sha256& key);

} // namespace slipway::store
