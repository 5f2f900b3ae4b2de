#include "commands/commands.hpp"
#include "commands/project_options.hpp"
#include "event_loop.hpp"
#include "help.hpp"

#include <slipway/core/build_recipe.hpp>

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <memory>
#include <optional>
#include <string>

namespace slipway::cli {
namespace {

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

Task<int> build_project(Context& context, std::shared_ptr<ProjectOptions> options)
{
    CO_TRY(const auto directory, current_directory());
    CO_TRY(const core::Project project, core::find_project(directory, context.environment.home));
    if (project.kind == core::ProjectKind::units) {
        CO_CHECK(check_unit_options(context, *options));
        UnitChoice choice = unit_choice(*options);
        co_return co_await build_unit_project(context, project.directory, std::move(choice));
    }
    CO_CHECK(check_no_unit_options(options->units, project));
    ToolChoice choice = tool_choice(context, *options);
    choice.call.test = options->test;
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
    add_project_options(*command, *options);
    command->add_flag(
        "--test", options->test, "Run the tests as well, under the target's emulator"
    );
    add_unit_options(*command, options->units);
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
