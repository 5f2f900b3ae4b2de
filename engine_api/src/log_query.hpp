#pragma once

#include <slipway/engine/containers.hpp>

namespace slipway::engine {

/// Appends what a log is asked for. Errors: invalid_argument (neither output), unsupported (details
/// where the engine has none).
Result<> add_log_query(Request& request, const LogOptions& options, const Traits& traits);

} // namespace slipway::engine
