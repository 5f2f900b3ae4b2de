#pragma once

#include "agent/session.hpp"
#include "sandbox/pool/directory.hpp"

#include <slipway/core/lease.hpp>
#include <slipway/engine/container_spec.hpp>

#include <memory>

namespace slipway::core::pool {

/// A session with the agent of a sandbox that runs.
///
/// Errors: those of open_road and of AgentSession::open.
Task<std::unique_ptr<AgentSession>>
greet(engine::Client client, Road road, const Entry& entry, PoolOptions options);

/// The same with one that has just been started: its agent may not listen yet.
///
/// Errors: engine (it has ended), timed_out, those of `greet`.
Task<std::unique_ptr<AgentSession>>
greet_new(engine::Client client, Road road, const Entry& entry, PoolOptions options);

/// Makes the container of an entry and starts it. An interrupt waits for the engine's answer.
///
/// Errors: those of Containers::create and start; cancelled.
Task<> create_and_start(engine::Client client, engine::ContainerSpec spec);

/// Whether the agent is missing where a sandbox expects it, or does not run there: the engine's
/// refusal names it, or the sandbox ended at once.
bool lacks_agent(const Error& error);

/// Whether an error of agent_volume says that the agent cannot be had on this engine: this build
/// has none for the architecture, or the engine refuses its volume, in whatever words.
bool cannot_be_had(const Error& error);

/// Whether an error for one of these reasons is worth remembering: an engine that failed (5xx) at
/// the volume may be able to make it the next time.
bool will_last(const Error& error);

} // namespace slipway::core::pool
