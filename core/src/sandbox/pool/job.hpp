#pragma once

#include "agent/job.hpp"
#include "agent/messages.hpp"
#include "sandbox/pool/container.hpp"

#include <slipway/core/lease.hpp>
#include <slipway/engine/images.hpp>

#include <string>
#include <vector>

namespace slipway::core::pool {

/// What the agent is told: the job with what its image has, as an engine would start it.
agent::Run run_message(const LeasedJob& job, const engine::ImageConfig& image, Ids ids);

/// Of the same name the later one wins.
void add_variables(std::vector<std::string>& env, const std::vector<std::string>& variables);

JobIo io_of(const JobStreams& streams);

/// What the agent says of its end, in the words of `core::run`.
JobResult result_of(const JobEnd& end, const std::string& program);

} // namespace slipway::core::pool
