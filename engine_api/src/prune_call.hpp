#pragma once

#include <slipway/engine/filters.hpp>
#include <slipway/engine/prune.hpp>
#include <slipway/engine/transport.hpp>

#include <string>

namespace slipway::engine {

/// `POST path` with the filters, or the reason why there is no such request.
Result<Request> prune_request(std::string path, const Filters& filters);

/// The coroutine behind the clean-ups of containers, volumes, networks and the build cache.
Task<Pruned> prune(Transport& transport, Result<Request> request, std::string doing);

} // namespace slipway::engine
