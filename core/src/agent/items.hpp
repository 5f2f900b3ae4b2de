#pragma once

#include "agent/messages.hpp"

#include <slipway/core/tree.hpp>
#include <slipway/engine/result.hpp>

#include <string_view>

namespace slipway::core {

agent::TreeItem agent_item(const TreeItem& item);

/// The error that a reason not to take an item is; none when it is empty.
/// Errors: invalid_argument.
Result<> refused_item(const TreeItem& item, std::string_view reason);

} // namespace slipway::core
