#include "commands/commands.hpp"
#include "commands/project_options.hpp"
#include "event_loop.hpp"
#include "help.hpp"

#include <slipway/core/build_recipe.hpp>

#include <CLI/App.hpp>
#include <memory>

namespace slipway::cli {
namespace {

Task<int> explain(Context& context, std::shared_ptr<ProjectOptions> options)
{
    CO_TRY(const auto directory, current_directory());
    CO_TRY(const core::Project project, core::find_project(directory, context.environment.home));
    if (project.kind == core::ProjectKind::units) {
        CO_CHECK(check_unit_options(context, *options));
        co_return co_await explain_units(context, project.directory, unit_choice(*options));
    }
    const std::vector<std::string>& units = options->units.units;
    if (!units.empty()) {
        Error error(
            Errc::invalid_argument,
            project.directory.string() + " has no slipway.toml: no unit " + units.front()
        );
        error.hint = "its tool builds it as a whole: leave the name out";
        co_return fail(std::move(error));
    }
    ToolChoice choice = tool_choice(context, *options);
    co_return co_await explain_tool(context, project, std::move(choice), options->units.json);
}

} // namespace

void add_explain(CLI::App& app, Context& context)
{
    auto options = std::make_shared<ProjectOptions>();
    CLI::App* command =
        app.add_subcommand("explain", "Tell why `slipway build` would build something anew");
    add_project_options(*command, *options);
    command->add_flag("--json", options->units.json, "Write JSON to stdout");
    command->formatter(std::make_shared<Help>("explain [options] [UNIT...] [-- ARGUMENT...]"));
    command->footer(
        "  slipway explain app\n\n"
        "It takes what `slipway build` is given, and tells what that would find: of a slipway.toml "
        "each unit, of cargo and cmake the call as a whole. Each reason has a name that stays the "
        "same from version to version, what it is about, and the old and the new value. Nothing "
        "is run."
    );
    command->callback([&context, options] {
        context.command = [options](Context& c) { return run(c, explain(c, options)); };
    });
}

} // namespace slipway::cli
