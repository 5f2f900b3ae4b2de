#pragma once

#include <slipway/engine/child.hpp>
#include <slipway/engine/result.hpp>

namespace slipway::core {

/// How a child ended that could not be left half-way.
struct Settled {
    Result<> result; ///< the child's own
    bool interrupted = false;
};

/// Waits for a child that makes something which has to be known to be removed: an engine makes a
/// container even when nobody listens to its answer any more. An interrupt of the caller is noted,
/// and the child's end waited for with cancellation switched off; it is on again afterwards.
boost::asio::awaitable<Settled> settle(engine::Child& child);

} // namespace slipway::core
