#pragma once

#include "context.hpp"

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

/// Plans cargo with these arguments and runs it; the job's own variables win over the plan's.
/// Returns cargo's exit code.
/// Errors: those of core::plan_cargo and of run_job.
Task<int>
run_cargo(Context& context, std::vector<std::string> args, core::Job job, CargoChoice choice);

} // namespace slipway::cli
