#pragma once

#include <slipway/core/doctor.hpp>

namespace slipway::core {

/// Finds out which of `directories` the engine sees. Always a value: what went wrong is in the
/// details. Leaves nothing behind. Is to be run to its end: cancelling it does nothing.
Task<std::vector<DirectorySight>>
look_at_files(engine::Client client, std::vector<std::filesystem::path> directories);

} // namespace slipway::core
