#pragma once

#include <slipway/engine/build_trace.hpp>
#include <slipway/engine/result.hpp>

#include <string_view>

namespace slipway::engine {

/// Reads BuildKit's moby.buildkit.v1.StatusResponse. Without I/O. Unknown fields are passed over; a
/// moment further from 1970 than nanoseconds reach, as is Go's year 1, is taken for none.
///
/// Errors: protocol (malformed, a field of the wrong type, or so many tiny entries that they would
/// take many times the memory of the message). Source: api/services/control/control.proto of
/// BuildKit.
Result<BuildTrace> decode_build_trace(std::string_view message);

} // namespace slipway::engine
