#include "commands/project_options.hpp"

#include "commands/cargo_job.hpp"

#include <CLI/Validators.hpp>
#include <optional>

namespace slipway::cli {
namespace {

std::optional<core::BuildProfile> profile_of(const ProjectOptions& options)
{
    if (options.release || options.profile == "release") return core::BuildProfile::release;
    if (options.profile == "debug") return core::BuildProfile::debug;
    return {};
}

core::BuildCall call_of(const Context& context, const ProjectOptions& options)
{
    core::BuildCall call;
    call.target = options.run.image.target;
    call.image = options.run.image.image;
    call.build_dir = options.build_dir;
    call.profile = profile_of(options);
    call.jobs = options.jobs;
    call.args = context.rest;
    return call;
}

} // namespace

void add_project_options(CLI::App& command, ProjectOptions& options)
{
    command.add_option("units", options.units.units, "Units of slipway.toml (default: its own)")
        ->type_name("UNIT");
    add_image_options(command, options.run.image);
    command
        .add_option(
            "--build-dir",
            options.build_dir,
            "Where results go (default: cmake's build/<target>, cargo's target)"
        )
        ->type_name("DIR");
    CLI::Option* release =
        command.add_flag("--release", options.release, "The same as --profile release");
    command
        .add_option(
            "--profile", options.profile, "Of cargo, or as cmake's build type (default: debug)"
        )
        ->type_name("debug|release")
        ->check(CLI::IsMember({"debug", "release"}).description(""))
        ->excludes(release);
    command
        .add_option(
            "-j,--jobs", options.jobs, "How many steps may run at once (default: the tool's)"
        )
        ->type_name("N")
        ->check(CLI::Range(1U, 65'535U).description(""));
    add_toolchain_option(command, options.toolchain);
    add_container_options(command, options.run);
}

Result<> check_unit_options(const Context& context, const ProjectOptions& options)
{
    const RunOptions& run = options.run;
    const auto refused = [](std::string what, std::string hint) {
        Error error(Errc::invalid_argument, std::move(what) + " is not for a slipway.toml");
        error.hint = std::move(hint);
        return fail(std::move(error));
    };
    if (!run.image.image.empty()) return refused("--image", "its toolchains name the images");
    if (!options.build_dir.empty()) return refused("--build-dir", "its units name their outputs");
    if (!options.toolchain.empty()) return refused("--toolchain", "its toolchains are images");
    if (options.test) return refused("--test", "name the units that are tests");
    if (!run.env.empty()) return refused("--env", "`pass_env` of a unit names what it takes");
    if (!run.network.empty()) return refused("--network", "units have `network`");
    if (run.memory || run.cpus) {
        return refused("a limit", "units have `memory` and `cpus`; -j limits all together");
    }
    if (!context.rest.empty()) return refused("what stands behind --", "units have `command`");
    return ok();
}

UnitChoice unit_choice(const ProjectOptions& options)
{
    UnitChoice choice = options.units;
    choice.target = options.run.image.target;
    choice.profile = profile_of(options) == core::BuildProfile::release ? "release" : "debug";
    choice.jobs = options.jobs;
    return choice;
}

ToolChoice tool_choice(const Context& context, const ProjectOptions& options)
{
    ToolChoice choice;
    choice.call = call_of(context, options);
    choice.run = options.run;
    choice.toolchain = options.toolchain;
    return choice;
}

} // namespace slipway::cli
