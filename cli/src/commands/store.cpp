#include "commands/commands.hpp"
#include "exit_code.hpp"
#include "json_text.hpp"
#include "store_place.hpp"
#include "text.hpp"

#include <slipway/core/quantities.hpp>

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <memory>

// These run without the event loop: a signal ends them at once, which the store stands.
namespace slipway::cli {
namespace {

struct StoreOptions {
    std::string name; ///< of a pin
    bool json = false;
};

// Nothing: there is none yet, and none is made by who looks.
Result<std::optional<core::Store>> existing_store(const Context& context)
{
    TRY(const auto directory, store_directory(context));
    std::error_code ignored;
    if (!std::filesystem::exists(directory, ignored)) return std::nullopt;
    TRY(core::Store store, open_store(context));
    return store;
}

std::string count_text(std::uint64_t count, std::string_view one)
{
    return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::int64_t json_number(std::uint64_t number)
{
    return static_cast<std::int64_t>(number);
}

Result<int> status(Context& context, const StoreOptions& options)
{
    TRY(const auto directory, store_directory(context));
    TRY(const auto store, existing_store(context));
    core::StoreUsage usage;
    if (store) {
        TRY(usage, store->usage());
    }
    if (options.json) {
        JsonText json;
        json.begin_object();
        json.text("directory", directory.native());
        json.boolean("exists", store.has_value());
        json.key("writable");
        store ? json.boolean(store->writable()) : json.null();
        json.number("results", json_number(usage.results));
        json.number("blobs", json_number(usage.blobs));
        json.number("notes", json_number(usage.notes));
        json.number("pins", json_number(usage.pins));
        json.number("bytes", json_number(usage.bytes));
        json.number("users", json_number(usage.users));
        json.end_object();
        context.printer->data(json.take());
        return exit_code::success;
    }
    const std::string state = !store              ? " (not there yet)"
                              : store->writable() ? ""
                                                  : " (may only be read)";
    context.printer->data(fmt::format(
        "directory  {}{}\nresults    {}\nblobs      {}\nnotes      {}\npins       {}\n"
        "on disk    {}\nopen in    {}\n",
        one_line(directory.native(), std::string::npos),
        state,
        usage.results,
        usage.blobs,
        usage.notes,
        usage.pins,
        size_text(usage.bytes),
        usage.users == 0
            ? "no other process"
            : fmt::format("{} other process{}", usage.users, usage.users == 1 ? "" : "es")
    ));
    return exit_code::success;
}

std::string verify_json(const core::VerifyReport& report, bool removed)
{
    JsonText json;
    json.begin_object();
    json.number("blobs", json_number(report.blobs));
    json.number("results", json_number(report.results));
    for (const auto& [key, list] :
         {std::pair("damaged", &report.damaged), std::pair("incomplete", &report.incomplete)}) {
        json.key(key);
        json.begin_array();
        for (const std::string& text : *list) {
            json.text(text);
        }
        json.end_array();
    }
    json.boolean("removed", removed);
    json.end_object();
    return json.take();
}

Result<int> verify(Context& context, const StoreOptions& options)
{
    TRY(auto store, existing_store(context));
    core::VerifyReport report;
    if (store) {
        TRY(report, store->verify());
    }
    Printer& printer = *context.printer;
    const bool removed = store && store->writable();
    if (options.json) printer.data(verify_json(report, removed));
    const std::string_view done = removed ? "removed" : "found";
    for (const std::string& path : report.damaged) {
        printer.warning(fmt::format("{} {}: it is damaged", done, one_line(path, std::string::npos))
        );
    }
    for (const std::string& unit : report.incomplete) {
        printer.warning(fmt::format(
            "{} a result of {}: it lacks what it made", done, one_line(unit, std::string::npos)
        ));
    }
    printer.status(
        "Verified",
        fmt::format(
            "{}, {}", count_text(report.blobs, "blob"), count_text(report.results, "result")
        )
    );
    const bool good = report.damaged.empty() && report.incomplete.empty();
    return good ? exit_code::success : exit_code::failed;
}

Result<int> pins(Context& context, const StoreOptions& options)
{
    TRY(const auto store, existing_store(context));
    std::vector<core::Store::Pin> pins;
    if (store) {
        TRY(pins, store->pins());
    }
    JsonText json;
    json.begin_array();
    std::string text;
    for (const core::Store::Pin& pin : pins) {
        const std::string key = core::to_hex(pin.key);
        json.begin_object().text("name", pin.name).text("key", key).end_object();
        text += key + "  " + pin.name + "\n";
    }
    json.end_array();
    context.printer->data(options.json ? json.take() : text);
    return exit_code::success;
}

// A name, or all names below one: `release` has `release/app` and `release/docs`.
Result<int> unpin(Context& context, const StoreOptions& options)
{
    TRY(auto store, existing_store(context));
    std::vector<core::Store::Pin> pins;
    if (store) {
        TRY(pins, store->pins());
    }
    std::size_t removed = 0;
    for (const core::Store::Pin& pin : pins) {
        if (pin.name != options.name && !pin.name.starts_with(options.name + "/")) continue;
        TRY(const bool was_there, store->unpin(pin.name));
        removed += was_there ? 1 : 0;
    }
    if (removed == 0) {
        Error error(
            Errc::not_found, "nothing is pinned as " + one_line(options.name, std::string::npos)
        );
        error.hint = "`slipway store pins` lists what is";
        return fail(std::move(error));
    }
    context.printer->status("Unpinned", count_text(removed, "result"));
    return exit_code::success;
}

struct GcWords {
    std::string older_than = "30d";
    std::string max_size;
    bool dry_run = false;
    bool json = false;
};

std::string gc_json(const core::GcReport& report, bool dry_run)
{
    JsonText json;
    json.begin_object();
    json.number("results", json_number(report.results));
    json.number("blobs", json_number(report.blobs));
    json.number("bytes", json_number(report.bytes));
    json.number("left_bytes", json_number(report.left_bytes));
    json.number("in_use", json_number(report.in_use));
    json.boolean("dry_run", dry_run);
    json.end_object();
    return json.take();
}

Result<int> gc(Context& context, const GcWords& words)
{
    core::GcOptions options;
    TRY(options.older_than, core::parse_duration("--older-than", words.older_than));
    if (!words.max_size.empty()) {
        TRY(options.most_bytes, core::parse_size("--max-size", words.max_size));
    }
    options.dry_run = words.dry_run;
    TRY(auto store, existing_store(context));
    core::GcReport report;
    if (store) {
        TRY(report, store->collect(options));
    }
    Printer& printer = *context.printer;
    if (words.json) printer.data(gc_json(report, words.dry_run));
    printer.status(
        words.dry_run ? "Would remove" : "Removed",
        fmt::format(
            "{} and {}, {}; {} stay",
            count_text(report.results, "result"),
            count_text(report.blobs, "blob"),
            size_text(report.bytes),
            size_text(report.left_bytes)
        )
    );
    if (report.in_use > 0) {
        printer.status("Kept", fmt::format("{} that are in use or pinned", report.in_use));
    }
    return exit_code::success;
}

template <class Options>
void set_plain(
    CLI::App& command,
    Context& context,
    std::shared_ptr<Options> options,
    Result<int> (*body)(Context&, const Options&)
)
{
    command.callback([&context, options, body] {
        context.command = [options, body](Context& c) {
            const Result<int> code = body(c, *options);
            if (code) return *code;
            c.printer->error(code.error());
            return exit_code_of(code.error());
        };
    });
}

} // namespace

void add_store(CLI::App& app, Context& context)
{
    CLI::App* command =
        app.add_subcommand("store", "Show and check what builds have made on this machine");
    command->require_subcommand(1);
    command->footer(
        "What a build has made stays in the store, so that the same build is not run again. It is "
        "in ~/.cache/slipway/store, or where the variable SLIPWAY_STORE says; all of it can be "
        "made again. `slipway gc` removes what is old."
    );
    const auto options = std::make_shared<StoreOptions>();
    const auto add = [&](const char* name, const char* description, auto body) {
        CLI::App* one = command->add_subcommand(name, description);
        one->add_flag("--json", options->json, "Write JSON to stdout");
        set_plain(*one, context, options, body);
        return one;
    };
    add("status", "Tell where it is, and how much is in it", &status);
    add("verify", "Read all of it, and remove what is damaged", &verify)
        ->footer("The exit code is 1 when something was damaged.");
    add("pins", "List the results that are kept whatever their age", &pins);
    CLI::App* one = command->add_subcommand("unpin", "Let `slipway gc` remove pinned results");
    one->add_option("name", options->name, "As given to `slipway build --pin`, or one of the list")
        ->type_name("NAME")
        ->required();
    set_plain(*one, context, options, &unpin);
}

void add_gc(CLI::App& app, Context& context)
{
    CLI::App* command = app.add_subcommand(
        "gc", "Remove from the store what was not used for long, or is too much"
    );
    const auto words = std::make_shared<GcWords>();
    command
        ->add_option(
            "--older-than", words->older_than, "Remove what was last used longer ago: 12h, 30d, 2w"
        )
        ->type_name("TIME")
        ->default_str("30d");
    command
        ->add_option(
            "--max-size",
            words->max_size,
            "Then remove the least recently used until this much is left: 500m, 10G"
        )
        ->type_name("SIZE");
    command->add_flag("--dry-run", words->dry_run, "Only tell what would be removed");
    command->add_flag("--json", words->json, "Write JSON to stdout");
    command->footer(
        "Nothing goes that a running slipway uses, nor a result that is pinned. A use is noted "
        "every ten minutes. See `slipway store status`."
    );
    set_plain(*command, context, words, &gc);
}

} // namespace slipway::cli
