#include "commands/commands.hpp"
#include "engine.hpp"
#include "event_loop.hpp"
#include "exit_code.hpp"
#include "json_text.hpp"
#include "owned_objects.hpp"

#include <slipway/core/inventory.hpp>

#include <CLI/App.hpp>
#include <memory>

namespace slipway::cli {
namespace {

struct PsOptions {
    bool json = false;
};

// An array of {kind, name, purpose, image, state, created, in_use, kept_as}; in_use is null when it
// is not known, image, state and created are null for a volume, and kept_as is the name of a
// persistent sandbox or null.
std::string objects_json(const std::vector<core::OwnedObject>& objects)
{
    JsonText json;
    json.begin_array();
    for (const core::OwnedObject& object : objects) {
        const bool container = object.kind == core::OwnedObject::Kind::container;
        json.begin_object();
        json.text("kind", kind_text(object.kind));
        json.text("name", object.name);
        json.text("purpose", object.purpose);
        if (container) {
            json.text("image", object.image);
            json.text("state", object.state);
            json.number("created", object.created);
        } else {
            for (const std::string_view name : {"image", "state", "created"}) {
                json.key(name).null();
            }
        }
        if (object.in_use == core::InUse::unknown) {
            json.key("in_use").null();
        } else {
            json.boolean("in_use", object.in_use == core::InUse::yes);
        }
        json.key("kept_as");
        if (object.kept_as.empty()) {
            json.null();
        } else {
            json.text(object.kept_as);
        }
        json.end_object();
    }
    json.end_array();
    return json.take();
}

Task<int> list_objects(Context& context, PsOptions options)
{
    CO_TRY(engine::Client client, co_await connect(context));
    CO_TRY(const auto objects, co_await core::inventory(client, ""));
    context.printer->data(
        options.json ? objects_json(objects) : objects_text(objects, context.printer->out_style())
    );
    co_return exit_code::success;
}

} // namespace

void add_ps(CLI::App& app, Context& context)
{
    auto options = std::make_shared<PsOptions>();
    CLI::App* command =
        app.add_subcommand("ps", "List what slipway has on the engine: sandboxes, volumes");
    command->add_flag("--json", options->json, "Write JSON to stdout");
    command->footer(
        "Sandboxes that are idle end by themselves; `slipway clean` removes them now.\n"
        "What another machine or another user made is shown, and not known to be in use or not."
    );
    command->callback([&context, options] {
        context.command = [options](Context& c) { return run(c, list_objects(c, *options)); };
    });
}

} // namespace slipway::cli
