#include "commands/commands.hpp"
#include "engine.hpp"
#include "event_loop.hpp"
#include "exit_code.hpp"
#include "owned_objects.hpp"

#include <slipway/core/inventory.hpp>

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <memory>

namespace slipway::cli {
namespace {

struct CleanOptions {
    bool all = false;
};

Task<int> clean(Context& context, CleanOptions options)
{
    Printer& printer = *context.printer;
    CO_TRY(engine::Client client, co_await connect(context));
    const core::Clean what = options.all ? core::Clean::everything : core::Clean::unused;
    CO_TRY(const core::CleanedUp done, co_await core::clean_up(client, "", what));
    for (const core::OwnedObject& object : done.removed) {
        printer.detail(fmt::format("removed the {} {}", kind_text(object.kind), object.name));
    }
    std::size_t others = 0;
    for (const core::OwnedObject& object : done.kept) {
        others += object.in_use == core::InUse::unknown
                          && object.kind == core::OwnedObject::Kind::container
                      ? 1
                      : 0;
    }
    for (const auto& [object, error] : done.failed) {
        Error told = error;
        told.context.push_back(
            fmt::format("removing the {} {}", kind_text(object.kind), object.name)
        );
        printer.error(told);
    }
    printer.status("Removed", fmt::format("{}, kept {}", done.removed.size(), done.kept.size()));
    if (others > 0) {
        printer.status(
            "Kept",
            fmt::format(
                "{} that may be another machine's or user's: --all removes them as well", others
            )
        );
    }
    co_return done.failed.empty() ? exit_code::success : exit_code::failed;
}

} // namespace

void add_clean(CLI::App& app, Context& context)
{
    auto options = std::make_shared<CleanOptions>();
    CLI::App* command = app.add_subcommand(
        "clean", "Remove idle sandboxes, and what programs that have ended left on the engine"
    );
    command->add_flag(
        "--all",
        options->all,
        "Remove all that is slipway's, in use or not, also other users' and other machines'; not "
        "images"
    );
    command->footer(
        "Only objects with slipway's labels are touched; `slipway ps` lists them. Sandboxes that "
        "are kept for a program, with their files, and the volumes of workspaces go with --all "
        "alone; of these see `slipway volumes`."
    );
    command->callback([&context, options] {
        context.command = [options](Context& c) { return run(c, clean(c, *options)); };
    });
}

} // namespace slipway::cli
