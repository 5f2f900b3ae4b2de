#pragma once

#include "agent/job.hpp"
#include "agent/link.hpp"
#include "agent/messages.hpp"

#include <slipway/engine/result.hpp>

#include <memory>

namespace slipway::core {

/// AgentSession::run; the error does not say what was run.
Task<JobEnd> run_job(std::shared_ptr<AgentLink> link, agent::Run run, JobIo io);

} // namespace slipway::core
