#pragma once

#include "context.hpp"

#include <slipway/core/sandbox.hpp>

#include <string>
#include <vector>

namespace slipway::cli {

/// Plans cargo with these arguments and runs it; the job's own variables win over the plan's. An
/// `image` that is named wins over the configuration of cross. Returns cargo's exit code.
/// Errors: those of core::plan_cargo and of run_job.
Task<int>
run_cargo(Context& context, std::vector<std::string> args, core::Job job, std::string image);

} // namespace slipway::cli
