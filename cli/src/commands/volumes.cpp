#include "commands/commands.hpp"
#include "commands/run_options.hpp"
#include "engine.hpp"
#include "event_loop.hpp"
#include "exit_code.hpp"
#include "json_text.hpp"
#include "owned_objects.hpp"

#include <slipway/core/fill_volume.hpp>
#include <slipway/core/inventory.hpp>
#include <slipway/core/labels.hpp>

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <memory>

namespace slipway::cli {
namespace {

struct VolumeOptions {
    bool json = false;
    bool all = false;
    std::vector<std::string> names;
    RunOptions run; ///< of `create`: image and workspace
};

// An array of {name, purpose, workspace, image, ours}; workspace and image are null where there is
// none, ours is false for another machine's or user's.
std::string volumes_json(const std::vector<core::OwnedObject>& volumes)
{
    JsonText json;
    json.begin_array();
    for (const core::OwnedObject& volume : volumes) {
        json.begin_object();
        json.text("name", volume.name);
        json.text("purpose", volume.purpose);
        for (const auto& [key, text] :
             {std::pair("workspace", &volume.kept_as), std::pair("image", &volume.image)}) {
            json.key(key);
            text->empty() ? json.null() : json.text(*text);
        }
        json.boolean("ours", volume.in_use != core::InUse::unknown);
        json.end_object();
    }
    json.end_array();
    return json.take();
}

Task<int> list(Context& context, VolumeOptions options)
{
    CO_TRY(engine::Client client, co_await connect(context));
    CO_TRY(const auto volumes, co_await core::kept_volumes(client, ""));
    context.printer->data(
        options.json ? volumes_json(volumes) : volumes_text(volumes, context.printer->out_style())
    );
    co_return exit_code::success;
}

// Whether one that a command uses is an error.
enum class Used { error, left };

Task<int>
remove_these(Context& context, engine::Client client, std::vector<std::string> names, Used used)
{
    Printer& printer = *context.printer;
    CO_TRY(
        const core::CleanedUp done,
        co_await core::remove_kept_volumes(std::move(client), "", std::move(names))
    );
    for (const core::OwnedObject& volume : done.removed) {
        printer.detail("removed the volume " + volume.name);
    }
    std::size_t failures = 0;
    for (const auto& [volume, error] : done.failed) {
        if (used == Used::left && error.code == Errc::conflict) {
            printer.detail("left the volume " + volume.name + ", which is in use");
            continue;
        }
        ++failures;
        Error told = error;
        told.context.push_back("removing the volume " + volume.name);
        if (told.code == Errc::conflict && told.hint.empty()) {
            told.hint = "a command uses it: try again when that has ended";
        }
        printer.error(told);
    }
    const std::size_t left = done.failed.size() - failures;
    printer.status(
        "Removed",
        fmt::format(
            "{}{}", done.removed.size(), left > 0 ? fmt::format(", left {} in use", left) : ""
        )
    );
    co_return failures == 0 ? exit_code::success : exit_code::failed;
}

Task<int> remove(Context& context, VolumeOptions options)
{
    CO_TRY(engine::Client client, co_await connect(context));
    co_return co_await remove_these(
        context, std::move(client), std::move(options.names), Used::error
    );
}

Task<int> prune(Context& context, VolumeOptions options)
{
    CO_TRY(engine::Client client, co_await connect(context));
    CO_TRY(const auto volumes, co_await core::kept_volumes(client, ""));
    std::vector<std::string> names;
    for (const core::OwnedObject& volume : volumes) {
        const bool usual =
            volume.in_use != core::InUse::unknown && volume.purpose != core::cargo_purpose;
        if (usual || options.all) names.push_back(volume.name);
    }
    co_return co_await remove_these(context, std::move(client), std::move(names), Used::left);
}

Task<int> create(Context& context, VolumeOptions options)
{
    ImageChoice choice = options.run.image;
    if (choice.target.empty()) choice.target = host_target();
    CO_TRY(std::string image, image_reference(context, choice));
    CO_TRY(core::Job job, job_of(context, options.run));
    core::Workspace workspace = *std::move(job.workspace);
    workspace.notes = notes_directory(context);
    CO_TRY(const core::PoolOptions pool, pool_options());
    CO_TRY(engine::Client client, co_await connect(context));
    const std::function<void()> on_wait = tell_waiting(context);
    auto name = co_await core::fill_volume(client, image, workspace, pool, on_wait);
    if (!name && lacks_image(name.error())) {
        CO_TRY(image, co_await provide_image(context, client, choice));
        context.printer->end_progress();
        name = co_await core::fill_volume(client, image, workspace, pool, on_wait);
    }
    if (!name) co_return fail(std::move(name).error());
    context.printer->data(*name + "\n");
    co_return exit_code::success;
}

using Body = Task<int> (*)(Context&, VolumeOptions);

void set(CLI::App& command, Context& context, std::shared_ptr<VolumeOptions> options, Body body)
{
    command.callback([&context, options, body] {
        context.command = [options, body](Context& c) { return run(c, body(c, *options)); };
    });
}

} // namespace

void add_volumes(CLI::App& app, Context& context)
{
    CLI::App* command = app.add_subcommand(
        "volumes",
        "List, make and remove what stays on the engine between commands: workspaces, cargo, "
        "toolchains"
    );
    command->require_subcommand(1);
    command->footer(
        "A workspace's files and its build directories stay in a volume for each image, so that "
        "the "
        "next command sends only what has changed. All of it can be made again. The volume of a "
        "workspace that is gone is removed by the next command that makes a sandbox."
    );
    const auto options = std::make_shared<VolumeOptions>();
    CLI::App* listing = command->add_subcommand("list", "List them");
    listing->add_flag("--json", options->json, "Write JSON to stdout");
    set(*listing, context, options, list);
    CLI::App* creating = command->add_subcommand(
        "create", "Make the one of this workspace ahead of the first command, and print its name"
    );
    add_image_options(*creating, options->run.image);
    add_workspace_option(*creating, options->run.workspace);
    creating->footer(
        "The image is had first when it is missing, then the volume gets the workspace's files as "
        "they are here. Where it has them already nothing is done."
    );
    set(*creating, context, options, create);
    CLI::App* removing = command->add_subcommand("remove", "Remove these");
    removing->add_option("NAME", options->names, "Names, as `slipway volumes list` shows them")
        ->required();
    set(*removing, context, options, remove);
    CLI::App* pruning = command->add_subcommand(
        "prune", "Remove those of your workspaces and toolchains that no command uses now"
    );
    pruning->add_flag(
        "--all",
        options->all,
        "Remove what cargo has downloaded as well, and other users' and other machines'"
    );
    set(*pruning, context, options, prune);
}

} // namespace slipway::cli
