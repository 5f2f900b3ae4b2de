#pragma once

#include "context.hpp"
#include "job_command.hpp"

#include <slipway/core/sandbox.hpp>

#include <CLI/App.hpp>
#include <CLI/Option.hpp>
#include <optional>
#include <string>
#include <vector>

// What `run` shares with the commands that do as it does.
namespace slipway::cli {

struct RunOptions {
    ImageChoice image;
    std::vector<std::string> env;
    std::string workspace;
    bool no_workspace = false;
    std::string network;
    std::optional<std::string> memory;
    std::optional<std::string> cpus;
    bool fresh = false;
};

/// All of them.
void add_run_options(CLI::App& command, RunOptions& options);
/// --target or --image.
void add_image_options(CLI::App& command, ImageChoice& image);
CLI::Option* add_workspace_option(CLI::App& command, std::string& workspace);
/// --env, --network, --memory, --cpus.
void add_container_options(CLI::App& command, RunOptions& options);

/// A job with what add_container_options adds, without a workspace. Errors: invalid_argument.
Result<core::Job> container_job(const RunOptions& options);
/// With the workspace, in the current directory where that is inside. Errors: those of
/// container_job, find_workspace and check_workspace.
Result<core::Job> job_of(const Context& context, const RunOptions& options);

/// As run_job, in the image and the container that the options choose; in this machine's target
/// when they name none.
Task<int> run_with(Context& context, RunOptions options, core::Job job);

} // namespace slipway::cli
