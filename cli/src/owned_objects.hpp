#pragma once

#include "style.hpp"

#include <slipway/core/inventory.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace slipway::cli {

std::string_view kind_text(core::OwnedObject::Kind kind) noexcept;

/// A table for people, with a line end after each row.
std::string objects_text(const std::vector<core::OwnedObject>& objects, const Style& style);
/// The same of volumes that stay: which workspace, and which image.
std::string volumes_text(const std::vector<core::OwnedObject>& volumes, const Style& style);

} // namespace slipway::cli
