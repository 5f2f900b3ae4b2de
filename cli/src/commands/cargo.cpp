#include "commands/commands.hpp"
#include "event_loop.hpp"
#include "help.hpp"
#include "image_report.hpp"
#include "job_command.hpp"

#include <slipway/core/cargo_recipe.hpp>

#include <unistd.h>

#include <CLI/App.hpp>
#include <filesystem>
#include <string_view>

namespace slipway::cli {
namespace {

std::map<std::string, std::string, std::less<>> process_environment()
{
    std::map<std::string, std::string, std::less<>> all;
    for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const auto equals = text.find('=');
        if (equals != std::string_view::npos) {
            all.emplace(text.substr(0, equals), text.substr(equals + 1));
        }
    }
    return all;
}

// Before an image is made in which rustc could only say that it has no library for the target.
Result<> check_has_rust(const core::ImageCatalog& images, const std::string& target)
{
    auto checked = images.check_language(target, "rust");
    if (!checked) {
        const std::string instead =
            "what it is for is built with `slipway run --target " + target + " -- COMMAND`; ";
        checked.error().hint = instead + checked.error().hint;
    }
    return checked;
}

// The image that cross's configuration asks for, else Slipway's own of the target.
Result<ImageChoice> image_choice(const core::CargoPlan& plan)
{
    const core::CrossConfig& cross = plan.cross;
    ImageChoice choice;
    choice.target = plan.target;
    choice.image = cross.image;
    if (!cross.image.empty()) {
        choice.without_program =
            "cross brings this machine's toolchain into an image, slipway takes "
            "the image's own: choose one with cargo in its PATH, or leave "
            "target."
            + plan.target + ".image out of the configuration";
    }
    const core::ImageCatalog& built_in = core::ImageCatalog::built_in();
    if (cross.image.empty()) {
        CHECK_OK(check_has_rust(built_in, plan.target));
    }
    if (cross.pre_build.empty() && cross.pre_build_script.empty()) return choice;
    if (cross.image.empty()) {
        core::BuildChoice of_target;
        of_target.target = plan.target;
        CHECK_OK(check_target(built_in, of_target));
    }
    TRY(choice.catalog, core::with_pre_build(cross, built_in));
    choice.target = core::pre_build_stage(plan.target);
    choice.image.clear();
    return choice;
}

Task<int> cargo_command(Context& context)
{
    core::CargoCall call;
    call.args = context.rest;
    CO_TRY(call.directory, current_directory());
    call.home = context.environment.home;
    call.environment = process_environment();
    call.host_target = host_target();
    CO_TRY(core::CargoPlan plan, core::plan_cargo(call));
    for (const std::string& warning : plan.cross.warnings) {
        context.printer->warning(warning);
    }
    CO_TRY(ImageChoice choice, image_choice(plan));
    core::Job job;
    job.argv = std::move(plan.argv);
    job.env = std::move(plan.env);
    job.cwd = call.directory.string();
    job.workspace = std::move(plan.workspace);
    job.kept = std::move(plan.kept);
    co_return co_await run_job(context, std::move(choice), std::move(job), Container::warm);
}

} // namespace

void add_cargo(CLI::App& app, Context& context)
{
    CLI::App* command = app.add_subcommand("cargo", "Run cargo in the image of a target");
    command->formatter(std::make_shared<Help>("[options] cargo ARGUMENT..."));
    command->footer(
        "  slipway cargo build --release --target aarch64-unknown-linux-gnu\n\n"
        "All that follows `cargo` is cargo's; Slipway's own options stand before it. The target is "
        "that of --target, else of CROSS_BUILD_TARGET, else of CARGO_BUILD_TARGET, else of "
        "build.target in .cargo/config.toml, else of build.default-target in Cross.toml, else this "
        "machine's; `slipway images list` shows which there are. Results land in "
        "target/<triple>/<profile>/ of the workspace, and tests run under the target's "
        "emulator.\n\n"
        "Image, pre-build commands and variables to pass on are taken from cross's configuration "
        "(Cross.toml, metadata.cross in Cargo.toml, CROSS_... variables), and what it asks for and "
        "Slipway cannot do is an error.\n\n"
        "The variable SLIPWAY_BASE_IMAGE names the Debian image that a target's image is built "
        "from."
    );
    command->callback([&context] {
        context.command = [](Context& c) { return run(c, cargo_command(c)); };
    });
}

} // namespace slipway::cli
