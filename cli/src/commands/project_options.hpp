#pragma once

#include "commands/run_options.hpp"
#include "context.hpp"
#include "units/tool_build.hpp"
#include "units/unit_build.hpp"

#include <CLI/App.hpp>
#include <string>

// What `build` and `explain` have in common: which project, and how it is built.
namespace slipway::cli {

struct ProjectOptions {
    UnitChoice units; // what only a project with a slipway.toml knows
    RunOptions run;   // of these the image and what the container is
    std::string build_dir;
    std::string profile;
    std::string toolchain;
    bool release = false;
    bool test = false;
    unsigned jobs = 0;
};

/// All but what is a build's alone.
void add_project_options(CLI::App& command, ProjectOptions& options);

/// What of them a slipway.toml has for all its units, or has no meaning there.
/// Errors: invalid_argument.
Result<> check_unit_options(const Context& context, const ProjectOptions& options);

UnitChoice unit_choice(const ProjectOptions& options);
ToolChoice tool_choice(const Context& context, const ProjectOptions& options);

} // namespace slipway::cli
