#include "commands/commands.hpp"
#include "event_loop.hpp"
#include "job_command.hpp"
#include "units/tool_build.hpp"
#include "units/unit_build.hpp"

#include <slipway/core/build_recipe.hpp>

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <memory>

namespace slipway::cli {
namespace {

Task<int> explain(Context& context, UnitChoice choice)
{
    CO_TRY(auto directory, current_directory());
    CO_TRY(
        const core::Project project,
        core::find_project(std::move(directory), context.environment.home)
    );
    if (project.kind != core::ProjectKind::units) {
        if (!choice.units.empty()) {
            Error error(
                Errc::invalid_argument,
                project.directory.string() + " has no slipway.toml: no unit " + choice.units.front()
            );
            error.hint = "its tool builds it as a whole: leave the name out";
            co_return fail(std::move(error));
        }
        ToolChoice tool;
        tool.run.image.target = choice.target;
        tool.call.target = choice.target;
        tool.call.args = context.rest;
        if (choice.profile == "release") tool.call.profile = core::BuildProfile::release;
        co_return co_await explain_tool(context, project, std::move(tool), choice.json);
    }
    co_return co_await explain_units(context, project.directory, std::move(choice));
}

} // namespace

void add_explain(CLI::App& app, Context& context)
{
    auto options = std::make_shared<UnitChoice>();
    options->profile = "debug";
    CLI::App* command = app.add_subcommand("explain", "Tell why units would be built anew");
    command->add_option("units", options->units, "Units of slipway.toml (default: all to build)")
        ->type_name("UNIT");
    command->add_option("--target", options->target, "As with slipway build")->type_name("TRIPLE");
    auto released = std::make_shared<bool>(false);
    CLI::Option* release =
        command->add_flag("--release", *released, "The same as --profile release");
    command->add_option("--profile", options->profile, "As with slipway build (default: debug)")
        ->type_name("debug|release")
        ->check(CLI::IsMember({"debug", "release"}).description(""))
        ->excludes(release);
    command->add_flag("--json", options->json, "Write JSON to stdout");
    command->footer("  slipway explain app\n\n"
                    "Each reason has a name that stays the same from version to version, what it "
                    "is about, and the old and the new value. Nothing is run.");
    command->callback([&context, options, released] {
        if (*released) options->profile = "release";
        context.command = [options](Context& c) { return run(c, explain(c, *options)); };
    });
}

} // namespace slipway::cli
