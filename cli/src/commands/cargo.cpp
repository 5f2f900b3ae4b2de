#include "commands/cargo_job.hpp"
#include "commands/commands.hpp"
#include "engine.hpp"
#include "event_loop.hpp"
#include "help.hpp"
#include "image_report.hpp"
#include "job_command.hpp"

#include <slipway/core/cargo_recipe.hpp>
#include <slipway/engine/system.hpp>

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

std::string without_cargo(const core::CargoPlan& plan)
{
    if (plan.cross.dockerfile) {
        return "cross brings this machine's toolchain into an image, slipway does so with "
               "`--toolchain host`; else begin the Dockerfile with `ARG CROSS_BASE_IMAGE` and "
               "`FROM "
               "$CROSS_BASE_IMAGE`, which has one, or install cargo in it";
    }
    return "cross brings this machine's toolchain into an image, slipway does so with `--toolchain "
           "host`; else choose one with cargo in its PATH, or leave target."
           + plan.target + ".image out of the configuration";
}

Result<> check_own_image(const core::CargoPlan& plan)
{
    core::BuildChoice of_target;
    of_target.target = plan.target;
    return check_target(core::ImageCatalog::built_in(), of_target);
}

Task<core::DockerfileImage> dockerfile_image(Context& context, core::CargoPlan plan)
{
    std::string own;
    if (starts_from_own_image(plan.cross)) {
        CO_CHECK(check_own_image(plan));
        ImageChoice of_target;
        of_target.target = plan.target;
        CO_TRY(own, image_reference(context, of_target));
    }
    co_return co_await core::plan_dockerfile_image(plan.cross, own);
}

// The image that cross's configuration asks for, else Slipway's own of the target.
Task<ImageChoice> image_choice(Context& context, core::CargoPlan plan)
{
    core::CrossConfig& cross = plan.cross;
    ImageChoice choice;
    choice.target = plan.target;
    choice.platform = cross.container.platform;
    if (cross.dockerfile) {
        choice.own_target = plan.target;
        CO_TRY(choice.dockerfile, co_await dockerfile_image(context, plan));
        cross.image = choice.dockerfile->name;
    }
    choice.image = cross.image;
    if (!cross.image.empty()) choice.without_program = without_cargo(plan);
    if (cross.image.empty() && !plan.toolchain) {
        CO_CHECK(check_has_rust(core::ImageCatalog::built_in(), plan.target));
    }
    if (cross.pre_build.empty() && cross.pre_build_script.empty()) co_return choice;
    if (cross.image.empty()) {
        CO_CHECK(check_own_image(plan));
    }
    CO_TRY(choice.catalog, core::with_pre_build(cross, core::ImageCatalog::built_in()));
    choice.target = core::pre_build_stage(plan.target);
    choice.image.clear();
    co_return choice;
}

// In place of what the configuration of cross says; whatever the image is for, the plan's target is
// what is built.
Result<> take_image(core::CargoPlan& plan, std::string image)
{
    if (!plan.cross.pre_build.empty() || !plan.cross.pre_build_script.empty()) {
        Error error(
            Errc::invalid_argument,
            "the pre-build commands at " + plan.cross.pre_build_place + " are not for --image"
        );
        error.hint = "leave --image out, or name the image as target." + plan.target
                     + ".image in cross's configuration";
        return fail(std::move(error));
    }
    plan.cross.image = std::move(image);
    plan.cross.dockerfile.reset();
    plan.env.push_back("CARGO_BUILD_TARGET=" + plan.target);
    return ok();
}

Task<int> cargo_command(Context& context, std::string toolchain)
{
    core::Job job;
    CargoChoice choice;
    choice.toolchain = std::move(toolchain);
    co_return co_await run_cargo(context, context.rest, std::move(job), std::move(choice));
}

Task<std::string> engine_platform(Context& context)
{
    CO_TRY(engine::Client client, co_await connect(context));
    CO_TRY(const auto version, co_await engine::System(client.transport()).version());
    co_return version.os + "/" + version.architecture;
}

// Where it is in an archive it is unpacked.
Task<core::CargoCall> with_toolchain_unpacked(Context& context, core::CargoCall call)
{
    const std::filesystem::path archive = core::wanted_archive(call);
    if (archive.empty()) co_return call;
    core::PackedToolchain packed;
    packed.archive = archive;
    packed.store = cache_directory(context) / "toolchains";
    if (packed.store.is_relative()) {
        Error error(Errc::invalid_argument, "no place to unpack " + archive.string() + " to");
        error.hint = "set HOME, or XDG_CACHE_HOME";
        co_return fail(std::move(error));
    }
    packed.on_unpack = [printer = context.printer, archive] {
        printer->status("Unpacking", "the toolchain " + archive.string());
    };
    CO_TRY(const auto directory, co_await core::unpacked_toolchain(packed));
    call.toolchain = directory.string();
    call.toolchain_archive = archive;
    co_return call;
}

// Of an image that cannot run the toolchain's own cargo.
std::string without_loader(const core::HostToolchain& toolchain)
{
    return "the toolchain " + toolchain.name + " is for " + toolchain.host
           + ": the image must have that one's C library";
}

} // namespace

Task<CargoJob>
plan_cargo_job(Context& context, std::vector<std::string> args, core::Job job, CargoChoice named)
{
    core::CargoCall call;
    call.args = std::move(args);
    CO_TRY(call.directory, current_directory());
    call.home = context.environment.home;
    call.environment = process_environment();
    call.host_target = host_target();
    call.toolchain = std::move(named.toolchain);
    call.image_named = !named.image.empty();
    CO_TRY(call, co_await with_toolchain_unpacked(context, call));
    CO_TRY(core::CargoPlan plan, core::plan_cargo(call));
    if (plan.needs_engine_platform) {
        CO_TRY(call.engine_platform, co_await engine_platform(context));
        CO_TRY(plan, core::plan_cargo(call));
    }
    for (const std::string& warning : plan.cross.warnings) {
        context.printer->warning(warning);
    }
    if (call.image_named) {
        CO_CHECK(take_image(plan, std::move(named.image)));
    }
    CO_TRY(ImageChoice choice, co_await image_choice(context, plan));
    if (call.image_named) {
        choice.without_program = "name an image that has cargo in its PATH, or use a toolchain of "
                                 "this machine with --toolchain";
    }
    if (plan.toolchain) {
        choice.without_program = without_loader(*plan.toolchain);
        plan.toolchain->on_copy = [printer = context.printer, name = plan.toolchain->name] {
            printer->status("Copying", "the toolchain " + name + " to the engine");
        };
    }
    job.toolchain = std::move(plan.toolchain);
    job.argv = std::move(plan.argv);
    job.env.insert(job.env.begin(), plan.env.begin(), plan.env.end()); // later ones win
    job.cwd = call.directory.string();
    job.workspace = std::move(plan.workspace);
    job.kept = std::move(plan.kept);
    job.fetch = std::move(plan.fetch);
    // What stands on the command line wins.
    const core::ContainerWishes& wishes = plan.cross.container;
    if (job.network.empty()) job.network = wishes.network;
    if (job.platform.empty()) job.platform = wishes.platform;
    if (job.memory_bytes == 0) job.memory_bytes = wishes.memory_bytes;
    if (job.cpus == 0) job.cpus = wishes.cpus;
    CargoJob planned;
    planned.target = plan.target;
    planned.image = std::move(choice);
    planned.job = std::move(job);
    co_return planned;
}

Task<int>
run_cargo(Context& context, std::vector<std::string> args, core::Job job, CargoChoice named)
{
    auto planning = plan_cargo_job(context, std::move(args), std::move(job), std::move(named));
    CO_TRY(CargoJob planned, co_await std::move(planning));
    co_return co_await run_job(
        context, std::move(planned.image), std::move(planned.job), Container::warm
    );
}

void add_toolchain_option(CLI::App& command, std::string& toolchain)
{
    command
        .add_option(
            "--toolchain",
            toolchain,
            "cargo's: the image's own, the one that rustup takes here on this machine, one of "
            "rustup's by name, a directory with bin/rustc, or an archive of one (default: image)"
        )
        ->type_name("image|host|NAME|DIR|FILE");
}

void add_cargo(CLI::App& app, Context& context)
{
    CLI::App* command = app.add_subcommand("cargo", "Run cargo in the image of a target");
    const auto toolchain = std::make_shared<std::string>();
    add_toolchain_option(*command, *toolchain);
    command->formatter(
        std::make_shared<Help>("[options] cargo [--toolchain WHICH] [+TOOLCHAIN] ARGUMENT...")
    );
    command->footer(
        "  slipway cargo build --release --target aarch64-unknown-linux-gnu\n\n"
        "All that follows `cargo` is cargo's; Slipway's own options stand before it, and only "
        "--toolchain right behind it. The target is "
        "that of --target, else of CROSS_BUILD_TARGET, else of CARGO_BUILD_TARGET, else of "
        "build.target in .cargo/config.toml, else of build.default-target in Cross.toml, else this "
        "machine's; `slipway images list` shows which there are. Results land in "
        "target/<triple>/<profile>/ of the workspace, and tests run under the target's "
        "emulator.\n\n"
        "Image, Dockerfile, pre-build commands, build-std and variables to pass on are taken from "
        "cross's configuration "
        "(Cross.toml, metadata.cross in Cargo.toml, CROSS_... variables), and what it asks for and "
        "Slipway cannot do is an error.\n\n"
        "A toolchain of this machine is had read-only in the image, which then needs no Rust, only "
        "what links: bound where the workspace is, else as a copy that stays on the engine. +NAME "
        "is "
        "--toolchain NAME. The variable SLIPWAY_TOOLCHAIN says the same where neither is given.\n\n"
        "The variable SLIPWAY_BASE_IMAGE names the Debian image that a target's image is built "
        "from."
    );
    command->callback([&context, toolchain] {
        context.command = [toolchain](Context& c) { return run(c, cargo_command(c, *toolchain)); };
    });
}

} // namespace slipway::cli
