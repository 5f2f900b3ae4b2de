#pragma once

#include <slipway/core/inventory.hpp>
#include <slipway/engine/client.hpp>

#include <filesystem>
#include <vector>

namespace slipway::core::pool {

/// Erases the entries of this engine's sandboxes that have none any more: it has ended by itself,
/// or its maker was killed before he made it. `all` is what the engine had a moment ago; when each
/// entry is of one of these, nothing is asked. Those of a name stay: they are few, and not counted.
///
/// Errors: those of Containers::list.
Task<>
erase_dead_entries(engine::Client client, std::filesystem::path base, std::vector<OwnedObject> all);

} // namespace slipway::core::pool
