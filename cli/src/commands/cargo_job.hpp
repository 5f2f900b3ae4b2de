#pragma once

#include "context.hpp"
#include "job_command.hpp"

#include <slipway/core/sandbox.hpp>

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace slipway::cli {

/// What of cargo's job is named on the command line; empty: it is not.
struct CargoChoice {
    std::string image;     ///< wins over the configuration of cross
    std::string toolchain; ///< CargoCall::toolchain
};

/// Adds --toolchain.
void add_toolchain_option(CLI::App& command, std::string& toolchain);

/// A call of cargo, and the image that it runs in.
struct CargoJob {
    std::string target;
    ImageChoice image;
    core::Job job;
};

/// Plans cargo with these arguments; the job's own variables win over the plan's.
/// Errors: those of core::plan_cargo, those of planning the image.
Task<CargoJob>
plan_cargo_job(Context& context, std::vector<std::string> args, core::Job job, CargoChoice choice);

/// Plans it and runs it. Returns cargo's exit code.
/// Errors: those of core::plan_cargo and of run_job.
Task<int>
run_cargo(Context& context, std::vector<std::string> args, core::Job job, CargoChoice choice);

} // namespace slipway::cli
