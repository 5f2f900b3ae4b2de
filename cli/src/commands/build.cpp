#include "commands/cargo_job.hpp"
#include "commands/commands.hpp"
#include "commands/run_options.hpp"
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

struct ProjectOptions {
    RunOptions run; // of these the image and what the container is
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

Result<core::BuildPlan> plan_project(const core::BuildCall& call, const core::Project& project)
{
    return project.kind == core::ProjectKind::cmake ? core::plan_cmake(call, project)
                                                    : core::plan_make(call, project);
}

Task<int> build_project(Context& context, std::shared_ptr<ProjectOptions> options)
{
    core::BuildCall call = call_of(context, *options);
    CO_TRY(call.directory, current_directory());
    CO_TRY(
        const core::Project project, core::find_project(call.directory, context.environment.home)
    );
    CO_TRY(core::Job job, container_job(options->run));
    if (project.kind == core::ProjectKind::cargo) {
        CargoChoice choice{call.image, options->toolchain};
        std::vector<std::string> words = core::cargo_arguments(call);
        co_return co_await run_cargo(context, std::move(words), std::move(job), std::move(choice));
    }
    if (!options->toolchain.empty()) {
        Error error(
            Errc::invalid_argument,
            "--toolchain is for cargo, and there is no Cargo.toml in " + project.directory.string()
        );
        error.hint = "leave --toolchain out: compilers of C and C++ are the image's";
        co_return fail(std::move(error));
    }
    RunOptions& where = options->run;
    if (where.image.target.empty() && where.image.image.empty()) {
        where.image.target = host_target();
        call.target = where.image.target;
    }
    CO_CHECK(image_reference(context, where.image)); // a wrong target is no directory's name
    CO_TRY(core::BuildPlan planned, plan_project(call, project));
    job.argv = std::move(planned.argv);
    job.cwd = planned.directory.string();
    job.workspace = std::move(planned.workspace);
    co_return co_await run_with(context, where, std::move(job));
}

} // namespace

void add_build(CLI::App& app, Context& context)
{
    auto options = std::make_shared<ProjectOptions>();
    CLI::App* command =
        app.add_subcommand("build", "Build the project here, by cargo, cmake or make");
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
    add_toolchain_option(*command, options->toolchain);
    add_container_options(*command, options->run);
    command->formatter(std::make_shared<Help>("build [options] [-- ARGUMENT...]"));
    command->footer(
        "  slipway build --release --target aarch64-unknown-linux-gnu -- -DWITH_TLS=ON\n\n"
        "What stands at the root of the workspace decides, or else on the way from there to the "
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
