#include "version.hpp"

#include "commands/commands.hpp"
#include "exit_code.hpp"
#include "json_text.hpp"

#include <slipway/engine/traits.hpp>

#include <CLI/App.hpp>
#include <memory>

namespace slipway::cli {
namespace {

std::string version_text()
{
    return "slipway " + std::string(version) + "\nengine API " + to_string(engine::oldest_api)
           + " to " + to_string(engine::newest_api) + "\n";
}

// Keys: version, engine_api {oldest, newest}.
std::string version_json()
{
    JsonText json;
    json.begin_object();
    json.text("version", version);
    json.key("engine_api").begin_object();
    json.text("oldest", to_string(engine::oldest_api));
    json.text("newest", to_string(engine::newest_api));
    json.end_object();
    json.end_object();
    return json.take();
}

} // namespace

void add_version(CLI::App& app, Context& context)
{
    auto as_json = std::make_shared<bool>(false);
    CLI::App* command = app.add_subcommand(
        "version", "Print the version and the range of engine APIs it speaks; asks no engine"
    );
    command->add_flag("--json", *as_json, "Write JSON to stdout");
    command->callback([&context, as_json] {
        context.command = [as_json](Context& c) {
            c.printer->data(*as_json ? version_json() : version_text());
            return exit_code::success;
        };
    });
}

} // namespace slipway::cli
