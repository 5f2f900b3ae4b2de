#pragma once

#include "call.hpp"

#include <slipway/engine/containers.hpp>

#include <string>
#include <string_view>

namespace slipway::engine {

/// dockerd says 503 where it is not in a swarm, is in one already, or manages none.
void name_swarm_state(Error& error);

/// `call` with that.
template <class T>
Task<T> call_swarm(Transport& transport, Result<Request> request, std::string doing)
{
    auto reply = co_await call<T>(transport, std::move(request), std::move(doing));
    if (!reply) name_swarm_state(reply.error());
    co_return reply;
}

/// `perform` with that.
Task<> perform_swarm(Transport& transport, Result<Request> request, std::string doing);

/// The log of a service or a task.
Task<std::unique_ptr<ResponseStream>> open_swarm_log(
    Transport& transport, Result<Request> request, const LogOptions& options, std::string doing
);

} // namespace slipway::engine
