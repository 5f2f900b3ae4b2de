#include "commands/cargo_job.hpp"
#include "commands/commands.hpp"
#include "event_loop.hpp"
#include "help.hpp"
#include "units/tool_build.hpp"
#include "units/unit_build.hpp"

#include <slipway/core/build_recipe.hpp>

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <memory>
#include <optional>
#include <string>

namespace slipway::cli {
namespace {

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
    call.test = options.test;
    call.args = context.rest;
    return call;
}

// What a slipway.toml has for all its units, or has no meaning there.
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

// Options that ask for what only units have.
Result<> check_no_unit_options(const UnitChoice& units, const core::Project& project)
{
    const bool any = !units.units.empty() || units.keep_going || units.json
                     || units.shell_on_failure || !units.out_dir.empty() || !units.trace.empty()
                     || !units.pin.empty();
    if (!any) return ok();
    const std::string what = units.units.empty() ? "" : ": no unit " + units.units.front();
    Error error(Errc::invalid_argument, project.directory.string() + " has no slipway.toml" + what);
    error.hint =
        "units, --keep-going, --message-format, --out-dir, --pin, --trace and --shell-on-failure "
        "are for projects that have one; what follows -- is the tool's";
    return fail(std::move(error));
}

UnitChoice unit_choice(const ProjectOptions& options)
{
    UnitChoice choice = options.units;
    choice.target = options.run.image.target;
    choice.profile = profile_of(options) == core::BuildProfile::release ? "release" : "debug";
    choice.jobs = options.jobs;
    return choice;
}

Task<int> build_project(Context& context, std::shared_ptr<ProjectOptions> options)
{
    CO_TRY(auto directory, current_directory());
    CO_TRY(
        const core::Project project,
        core::find_project(std::move(directory), context.environment.home)
    );
    if (project.kind == core::ProjectKind::units) {
        CO_CHECK(check_unit_options(context, *options));
        UnitChoice choice = unit_choice(*options);
        co_return co_await build_unit_project(context, project.directory, std::move(choice));
    }
    CO_CHECK(check_no_unit_options(options->units, project));
    ToolChoice choice;
    choice.call = call_of(context, *options);
    choice.run = options->run;
    choice.toolchain = options->toolchain;
    choice.force = options->units.force;
    choice.explain = options->units.explain;
    co_return co_await build_with_tool(context, project, std::move(choice));
}

void add_unit_options(CLI::App& command, UnitChoice& units)
{
    command.add_flag("--explain", units.explain, "Tell what is stale and why, before it runs");
    command.add_flag("--force", units.force, "Run what is fresh, too");
    command.add_flag(
        "-k,--keep-going", units.keep_going, "After a failure, build what does not need it"
    );
    command.add_option("--out-dir", units.out_dir, "Put outputs there, too, by their last names")
        ->type_name("DIR");
    command
        .add_option_function<std::string>(
            "--message-format",
            [&units](const std::string& format) { units.json = format == "json"; },
            "JSON: a line for each event, on stdout (default: human)"
        )
        ->type_name("human|json")
        ->check(CLI::IsMember({"human", "json"}).description(""));
    command
        .add_option(
            "--pin", units.pin, "Keep the results in the store until `slipway store unpin NAME`"
        )
        ->type_name("NAME");
    command.add_option("--trace", units.trace, "Write when units ran, for Perfetto or Chrome")
        ->type_name("FILE");
    command.add_flag(
        "--shell-on-failure", units.shell_on_failure, "Open a shell where a unit has failed"
    );
}

} // namespace

void add_build(CLI::App& app, Context& context)
{
    auto options = std::make_shared<ProjectOptions>();
    CLI::App* command =
        app.add_subcommand("build", "Build the project here: units, cargo, cmake or make");
    command->add_option("units", options->units.units, "Units of slipway.toml (default: its own)")
        ->type_name("UNIT");
    add_image_options(*command, options->run.image);
    command
        ->add_option(
            "--build-dir",
            options->build_dir,
            "Where results go (default: cmake's build/<target>, cargo's target)"
        )
        ->type_name("DIR");
    CLI::Option* release =
        command->add_flag("--release", options->release, "The same as --profile release");
    command
        ->add_option(
            "--profile", options->profile, "Of cargo, or as cmake's build type (default: debug)"
        )
        ->type_name("debug|release")
        ->check(CLI::IsMember({"debug", "release"}).description(""))
        ->excludes(release);
    command->add_flag(
        "--test", options->test, "Run the tests as well, under the target's emulator"
    );
    command
        ->add_option(
            "-j,--jobs", options->jobs, "How many steps may run at once (default: the tool's)"
        )
        ->type_name("N")
        ->check(CLI::Range(1U, 65'535U).description(""));
    add_unit_options(*command, options->units);
    add_toolchain_option(*command, options->toolchain);
    add_container_options(*command, options->run);
    command->formatter(std::make_shared<Help>("build [options] [UNIT...] [-- ARGUMENT...]"));
    command->footer(
        "  slipway build --release --target aarch64-unknown-linux-gnu -- -DWITH_TLS=ON\n\n"
        "A slipway.toml here or above decides: its units are built, those that are stale, in "
        "sandboxes that have what they declare; see also `slipway explain`. --target, --profile "
        "and -j are for it too.\n\n"
        "Else it is what stands at the root of the workspace, or on the way from there to the "
        "current directory; the first of these that is there:\n\n"
        "Cargo.toml: `slipway cargo build` (with --test `cargo test`), which may choose the "
        "target by its configuration. ARGUMENTs are cargo's.\n\n"
        "CMakeLists.txt: cmake with the image's toolchain file, for Ninja, then `cmake --build`, "
        "with --test ctest. It is configured once, and again for another profile and for ARGUMENTs "
        "that begin with -D; the others are those of `cmake --build`, with --test of ctest. "
        "Results "
        "are in build/<target>, with --image in build/<image>. That directory has a CACHEDIR.TAG: "
        "it stays on the engine, and all but the tools' own files comes back.\n\n"
        "GNUmakefile, makefile or Makefile: make, with CC, CXX, AR and RANLIB of the target, and "
        "EMULATOR, which runs its programs; with --test `make check`, or else `make test`. "
        "ARGUMENTs are make's. It builds among the sources, so make clean between two targets.\n\n"
        "All else is as with `slipway run`. The exit code is the tool's."
    );
    command->callback([&context, options] {
        context.command = [options](Context& c) { return run(c, build_project(c, options)); };
    });
}

} // namespace slipway::cli
