#pragma once

#include <slipway/core/manifest.hpp>
#include <slipway/engine/result.hpp>

#include <filesystem>

namespace slipway::core {

/// What copies of a workspace have, as the file `.slipwayignore` at its root says: all but what
/// that names. What it names neither travels nor comes back. Empty without such a file: all of it.
///
/// Errors: invalid_argument (the line), io.
Result<EntryFilter> copied_entries(const std::filesystem::path& root);

/// What both let through; an empty one lets all through.
EntryFilter both_of(EntryFilter first, EntryFilter second);

} // namespace slipway::core
