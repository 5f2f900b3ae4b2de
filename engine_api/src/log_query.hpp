#pragma once

#include <slipway/engine/containers.hpp>

namespace slipway::engine {

/// Appends what a log is asked for. Errors: invalid_argument (neither output).
Result<> add_log_query(Request& request, const LogOptions& options);

} // namespace slipway::engine
