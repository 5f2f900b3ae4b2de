#pragma once

#include "commands/run_options.hpp"
#include "context.hpp"

#include <slipway/core/build_recipe.hpp>

#include <string>

namespace slipway::cli {

/// What `slipway build` and `slipway explain` are told about a project of cargo, cmake or make.
struct ToolChoice {
    core::BuildCall call;  ///< `directory` is filled in
    RunOptions run;        ///< of these the image and what the container is
    std::string toolchain; ///< CargoCall::toolchain
    bool force = false;
    bool explain = false; ///< why, before it runs
};

/// Runs the tool unless it is known that there is nothing to do. Make, tests and what has no
/// directory of its own to build in are run each time. The exit code is the tool's.
Task<int> build_with_tool(Context& context, core::Project project, ToolChoice choice);

/// Tells why the tool would be run; the exit code is 0 whether or not it would be.
/// Errors: unsupported (of make nothing is known), those of planning.
Task<int> explain_tool(Context& context, core::Project project, ToolChoice choice, bool json);

} // namespace slipway::cli
