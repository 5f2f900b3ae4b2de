#pragma once

#include "agent/link.hpp"
#include "agent/messages.hpp"
#include "agent/session.hpp"

#include <slipway/engine/result.hpp>

#include <memory>
#include <string>

/// Jobs that are no programs: a worker of the agent does them.
namespace slipway::core {

/// The message for one, at a place in the sandbox.
agent::Run tree_run(agent::What what, std::string place, AgentIds ids, agent::Encoding encoding);

/// Runs it to its end, which is `ok` only when all was done; else its words, and by its exit code
/// engine, not_found, protocol or invalid_argument. Errors also: those of AgentSession::run.
Task<> run_worker(std::shared_ptr<AgentLink> link, agent::Run run, JobIo io);

} // namespace slipway::core
