#include "commands/commands.hpp"
#include "commands/run_options.hpp"
#include "event_loop.hpp"
#include "exit_code.hpp"
#include "help.hpp"
#include "job_command.hpp"

#include <slipway/core/quantities.hpp>
#include <slipway/core/workspace.hpp>

#include <CLI/App.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

// NAME=value as it is, NAME with its value here; a variable that is not set here is left out.
Result<std::vector<std::string>> environment_of(const std::vector<std::string>& asked)
{
    std::vector<std::string> env;
    if (const char* term = std::getenv("TERM")) env.push_back(std::string("TERM=") + term);
    for (const std::string& entry : asked) {
        if (entry.starts_with('=')) {
            Error error(Errc::invalid_argument, "--env " + entry + ": a variable needs a name");
            error.hint =
                "write --env NAME=VALUE, or --env NAME to pass on the one that is set here";
            return fail(std::move(error));
        }
        if (entry.find('=') != std::string::npos) {
            env.push_back(entry);
        } else if (const char* value = std::getenv(entry.c_str())) {
            env.push_back(entry + "=" + value);
        }
    }
    return env;
}

} // namespace

Result<core::Job> container_job(const RunOptions& options)
{
    core::Job job;
    TRY(job.env, environment_of(options.env));
    job.network = options.network;
    if (options.memory) {
        TRY(job.memory_bytes, core::parse_memory(*options.memory));
    }
    if (options.cpus) {
        TRY(job.cpus, core::parse_cpus(*options.cpus));
    }
    return job;
}

Result<core::Job> job_of(const Context& context, const RunOptions& options)
{
    TRY(core::Job job, container_job(options));
    if (!options.no_workspace) {
        TRY(const fs::path here, current_directory());
        std::error_code failed;
        core::Workspace workspace;
        if (options.workspace.empty()) {
            TRY(workspace.root, core::find_workspace(here, context.environment.home));
        } else {
            workspace.root = fs::canonical(options.workspace, failed);
            if (failed || !fs::is_directory(workspace.root, failed)) {
                Error error(
                    Errc::not_found,
                    "--workspace " + options.workspace + ": "
                        + (failed ? failed.message() : "not a directory")
                );
                error.hint = "--workspace takes a directory that exists here";
                return fail(std::move(error));
            }
            CHECK_OK(core::check_workspace(workspace.root));
        }
        const fs::path real_here = fs::canonical(here, failed);
        const std::string below = real_here.lexically_relative(workspace.root).string();
        const bool outside = below == ".." || below.starts_with("../");
        job.cwd = outside ? workspace.root.string() : real_here.string();
        job.workspace = std::move(workspace);
    }
    return job;
}

namespace {

Task<int> run_command(Context& context, std::shared_ptr<RunOptions> options)
{
    CO_TRY(core::Job job, job_of(context, *options));
    job.argv = context.rest;
    co_return co_await run_with(context, *options, std::move(job));
}

} // namespace

Task<int> run_with(Context& context, RunOptions options, core::Job job)
{
    ImageChoice choice = std::move(options.image);
    if (choice.target.empty()) choice.target = host_target();
    const Container container = options.fresh ? Container::fresh : Container::warm;
    co_return co_await run_job(context, std::move(choice), std::move(job), container);
}

void add_image_options(CLI::App& command, ImageChoice& image)
{
    CLI::Option* target =
        command
            .add_option(
                "--target",
                image.target,
                "Run in the image of this target, built when it is missing (default: this "
                "machine's)"
            )
            ->type_name("TRIPLE");
    command.add_option("--image", image.image, "Run in this image, pulled when missing")
        ->type_name("IMAGE")
        ->excludes(target);
}

CLI::Option* add_workspace_option(CLI::App& command, std::string& workspace)
{
    return command
        .add_option(
            "--workspace",
            workspace,
            "The directory that the command sees at its own path (default: the cargo workspace or "
            "git work tree around the current directory, else that directory)"
        )
        ->type_name("DIR");
}

void add_container_options(CLI::App& command, RunOptions& options)
{
    command
        .add_option(
            "--env", options.env, "Set a variable of the command, or pass on yours (repeatable)"
        )
        ->type_name("NAME[=VALUE]")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command
        .add_option(
            "--network",
            options.network,
            "The command's network: none, host, or one that the engine has"
        )
        ->type_name("NAME");
    command
        .add_option(
            "--memory",
            options.memory,
            "What the container may use, a number with b, k, m or g: 512m (default: nine tenths of "
            "the engine's memory; with --fresh no limit)"
        )
        ->type_name("SIZE");
    command
        .add_option(
            "--cpus",
            options.cpus,
            "How many CPUs it may use: 2, 0.5 (default: all of the engine's)"
        )
        ->type_name("N");
}

void add_run_options(CLI::App& command, RunOptions& options)
{
    add_image_options(command, options.image);
    CLI::Option* workspace = add_workspace_option(command, options.workspace);
    command.add_flag("--no-workspace", options.no_workspace, "Send no files")->excludes(workspace);
    add_container_options(command, options);
    command.add_flag(
        "--fresh",
        options.fresh,
        "Run in a container of its own: all of the image can be written, the command has the "
        "engine's usual rights, and nothing stays"
    );
}

void add_run(CLI::App& app, Context& context)
{
    auto options = std::make_shared<RunOptions>();
    CLI::App* command =
        app.add_subcommand("run", "Run a command in a container, with the workspace");
    add_run_options(*command, *options);
    command->formatter(std::make_shared<Help>("run [options] [--] COMMAND [ARGUMENT...]"));
    command->footer(
        "  slipway run --image busybox -- sh -c 'ls; echo made > file'\n\n"
        "The command begins at the first word that is no option, or after `--`; all that follows "
        "is the command's.\n\n"
        "It finds the files of the workspace at the same path as here: the directory itself where "
        "the engine sees it, else a copy (--files sync asks for one). A copy stays on the engine "
        "from one command to the next, so only what differs travels. Directories that a "
        "CACHEDIR.TAG marks, such as target/, are not sent: there the command finds what earlier "
        "ones have left. What it changes comes back when it has ended, except where you have "
        "changed the same file meanwhile: then yours stays, with a warning.\n\n"
        "It runs in a sandbox that waits ten minutes for the next command of the same kind, so "
        "that "
        "one costs milliseconds. There the image is read-only, save the workspace and /tmp, and "
        "the "
        "command has no capabilities, not even as root: what installs packages wants --fresh.\n\n"
        "The exit code is the command's; 126 or 127 when it cannot be started. It reads your stdin "
        "when that is a pipe or a file, and gets a terminal when you are at one. SIGINT, SIGTERM, "
        "SIGHUP and SIGQUIT are passed on to it; a second later it is killed.\n\n"
        "The variable SLIPWAY_BASE_IMAGE names the Debian image that a target's image is built "
        "from."
    );
    command->callback([&context, options] {
        context.command = [options](Context& c) {
            if (c.rest.empty() || c.rest.front().empty()) {
                c.printer->error(
                    c.rest.empty() ? "no command to run" : "the command's name is empty",
                    "put it after the options: slipway run -- make -j4"
                );
                return exit_code::usage;
            }
            return run(c, run_command(c, options));
        };
    });
}

} // namespace slipway::cli
