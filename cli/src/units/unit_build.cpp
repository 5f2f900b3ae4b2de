#include "units/unit_build.hpp"

#include "engine.hpp"
#include "event_loop.hpp"
#include "exit_code.hpp"
#include "job_command.hpp"
#include "json_text.hpp"
#include "shared_cache.hpp"
#include "store_place.hpp"
#include "terminal.hpp"
#include "units/build_report.hpp"

#include <slipway/core/lease.hpp>
#include <slipway/core/unit_file.hpp>
#include <slipway/engine/images.hpp>

#include <boost/asio/this_coro.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <set>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace slipway::cli {
namespace {

std::map<std::string, std::string> own_environment()
{
    std::map<std::string, std::string> all;
    for (char** at = environ; *at != nullptr; ++at) {
        const std::string_view one(*at);
        const std::size_t equals = one.find('=');
        if (equals != std::string_view::npos) {
            all.emplace(one.substr(0, equals), one.substr(equals + 1));
        }
    }
    return all;
}

ImageChoice image_of(const core::UnitToolchain& toolchain)
{
    ImageChoice choice;
    choice.image = toolchain.image;
    choice.target = toolchain.target;
    choice.platform = toolchain.platform;
    return choice;
}

Task<> resolve_all(Context& context, engine::Client client, core::BuildOrder& order)
{
    CO_TRY(const auto names, core::units_to_build(order.file, order.units));
    const std::unordered_set<std::string_view> wanted(names.begin(), names.end());
    std::set<std::string> used;
    for (const core::Unit& unit : order.file.units) {
        if (wanted.contains(unit.name)) used.insert(unit.toolchain);
    }
    for (const core::UnitToolchain& toolchain : order.file.toolchains) {
        if (!used.contains(toolchain.name)) continue;
        auto resolving = co_await resolve_image(context, client, image_of(toolchain));
        auto named = during(std::move(resolving), "the toolchain " + toolchain.name);
        CO_TRY(auto resolved, std::move(named));
        order.toolchains.emplace(toolchain.name, std::move(resolved));
    }
    co_return ok();
}

// Two outputs of one name would take each other's place.
Result<> check_out_dir(const core::BuildOrder& order)
{
    if (order.out_dir.empty()) return ok();
    std::vector<std::string> asked = order.units.empty() ? order.file.defaults : order.units;
    std::map<std::string, std::string> owners;
    for (const core::Unit& unit : order.file.units) {
        const bool wanted = asked.empty() || std::ranges::find(asked, unit.name) != asked.end();
        if (!wanted) continue;
        for (const core::UnitPath& output : unit.outputs) {
            std::string path = output.text;
            if (path.ends_with('/')) path.pop_back();
            const std::string name = std::filesystem::path(path).filename().native();
            const auto [other, is_new] = owners.emplace(name, unit.name);
            if (is_new) continue;
            Error error(
                Errc::invalid_argument,
                fmt::format(
                    "--out-dir: an output of {} and one of {} are both named {}",
                    other->second,
                    unit.name,
                    name
                )
            );
            error.hint = "only last names of outputs stand there: name units where they differ";
            return fail(std::move(error));
        }
    }
    return ok();
}

Result<core::BuildOrder>
order_of(const Context& context, const std::filesystem::path& directory, const UnitChoice& choice)
{
    core::BuildOrder order;
    order.variables.target = choice.target.empty() ? host_target() : choice.target;
    order.variables.profile = choice.profile;
    TRY(order.file,
        core::read_unit_file(
            directory / core::unit_file_name, order.variables, core::unit_file_notes(directory)
        ));
    order.units = choice.units;
    order.environment = own_environment();
    order.force = choice.force;
    order.keep_going = choice.keep_going;
    order.jobs = choice.jobs;
    order.pin = choice.pin;
    if (!choice.out_dir.empty()) {
        order.out_dir = std::filesystem::absolute(choice.out_dir).lexically_normal();
    }
    TRY(order.pool, pool_options());
    CHECK_OK(check_out_dir(order));
    auto store = open_store(context);
    if (store) {
        order.store = std::make_shared<core::Store>(*std::move(store));
        if (!order.store->writable()) {
            context.printer->warning(
                "what is built is not kept for other builds: " + order.store->directory().native()
                + " cannot be written"
            );
        }
    } else {
        const Error& error = store.error();
        context.printer->warning(
            "nothing of earlier builds is reused, and nothing kept: " + describe(error)
            + (error.hint.empty() ? "" : " (" + error.hint + ")")
        );
    }
    return order;
}

void show_forecast(Printer& printer, const std::vector<core::UnitForecast>& forecast)
{
    for (const core::UnitForecast& unit : forecast) {
        if (unit.fresh) printer.detail(unit.unit + " is fresh");
        for (const std::string& line : reason_lines(unit.reasons)) {
            printer.status("Stale", unit.unit + ": " + line);
        }
    }
}

constexpr const char* shell_words = "command -v bash >/dev/null 2>&1 && exec bash; exec sh";

// A shell on this terminal, where a unit has failed.
core::OnFailure shell_in_failed(Context& context, std::shared_ptr<HeldReport> report)
{
    const auto open = std::make_shared<bool>(false);
    return [&context, report, open](core::UnitEnd end, auto run) -> Task<> {
        if (*open) co_return ok(); // another one has the terminal
        *open = true;
        Printer& printer = *context.printer;
        report->ended(end);
        report->shown(end.unit);
        printer.end_progress();
        printer.status(
            "Shell", "in the sandbox of " + end.unit + "; its end goes on with the build"
        );
        report->hold();
        const auto executor = co_await boost::asio::this_coro::executor;
        LocalInput in(executor, STDIN_FILENO);
        LocalOutput out(executor, STDOUT_FILENO);
        std::optional<RawTerminal> raw;
        std::optional<TerminalSizeWatch> size;
        core::JobStreams streams;
        streams.in = &in;
        streams.out = &out;
        streams.on_terminal = [&](std::function<void(engine::TerminalSize)> changed) {
            raw.emplace();
            size.emplace(executor, std::move(changed));
        };
        streams.on_end = [&] {
            size.reset();
            raw.reset();
        };
        std::vector<std::string> argv{"sh", "-c", shell_words};
        const auto ended = co_await run(std::move(argv), true, streams);
        size.reset();
        raw.reset();
        report->go_on();
        *open = false;
        if (ended && !ended->not_run.empty()) {
            printer.warning("no shell could be opened: " + ended->not_run);
            co_return ok();
        }
        CO_CHECK(ended);
        co_return ok();
    };
}

Result<> write_trace(const std::string& file, const std::string& text)
{
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    if (out) return ok();
    return fail(Errc::io, "cannot write the trace to " + file);
}

Task<int> build_and_report(Context& context, std::filesystem::path directory, UnitChoice choice)
{
    Printer& printer = *context.printer;
    const auto began = std::chrono::steady_clock::now();
    if (choice.shell_on_failure && (!on_terminal() || choice.json)) {
        Error error(
            Errc::invalid_argument,
            "--shell-on-failure needs a terminal on stdin, stdout and stderr, and no JSON there"
        );
        co_return fail(std::move(error));
    }
    CO_TRY(core::BuildOrder order, order_of(context, directory, choice));
    CO_TRY(engine::Client client, co_await connect(context));
    CO_CHECK(co_await resolve_all(context, client, order));
    order.proxies = proxies_for(context);
    CO_TRY(order.shared, co_await shared_cache());
    if (choice.explain) {
        CO_TRY(const auto forecast, core::forecast_units(order));
        show_forecast(printer, forecast);
    }
    auto report = choice.json ? json_report(printer) : human_report(printer);
    const auto held = std::make_shared<HeldReport>(report);
    const auto trace = std::make_shared<BuildTrace>(held);
    const std::shared_ptr<core::BuildWatch> watch =
        choice.trace.empty() ? std::shared_ptr<core::BuildWatch>(held) : trace;
    if (choice.shell_on_failure) order.on_failure = shell_in_failed(context, held);
    const auto shared = order.shared;
    auto built = co_await core::build_units(client, std::move(order), watch);
    printer.end_progress();
    if (shared && !shared->report().left_alone.empty()) {
        report->warning("the shared cache was left alone: " + shared->report().left_alone);
    }
    if (!choice.trace.empty()) {
        CO_CHECK(write_trace(choice.trace, trace->text()));
    }
    CO_TRY(const core::BuildSummary summary, std::move(built));
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - began
    );
    if (choice.json) {
        printer.data(json_summary(summary));
    } else {
        printer.status(summary.failed == 0 ? "Finished" : "Failed", human_summary(summary, took));
    }
    co_return static_cast<int>(summary.failed == 0 ? 0 : summary.exit_code);
}

} // namespace

Task<core::ResolvedToolchain>
resolve_image(Context& context, engine::Client client, ImageChoice choice)
{
    CO_TRY(std::string reference, image_reference(context, choice));
    engine::Images images(client.transport());
    auto info = co_await images.inspect(reference);
    if (!info && lacks_image(info.error())) {
        CO_TRY(reference, co_await provide_image(context, client, choice));
        context.printer->end_progress();
        info = co_await images.inspect(reference);
    }
    CO_TRY(const engine::ImageInfo image, std::move(info));
    core::ResolvedToolchain resolved;
    resolved.image = image.id;
    resolved.platform = choice.platform;
    resolved.digest = core::toolchain_digest(image);
    if (!choice.platform.empty()) {
        CO_CHECK(co_await core::check_platform(client, reference, choice.platform));
    }
    co_return resolved;
}

std::string forecast_text(const std::vector<core::UnitForecast>& units, bool as_json)
{
    std::string text;
    JsonText json;
    json.begin_array();
    for (const core::UnitForecast& unit : units) {
        json.begin_object().text("unit", unit.unit).boolean("fresh", unit.fresh);
        json.text("directory", unit.directory).key("reasons").begin_array();
        text += unit.unit + (unit.fresh ? " is fresh\n" : " is stale\n");
        for (const core::DirtyReason& reason : unit.reasons) {
            add_reason(json, reason);
        }
        for (const std::string& line : reason_lines(unit.reasons)) {
            text += "  " + line + "\n";
        }
        json.end_array().end_object();
    }
    json.end_array();
    return as_json ? json.take() : text;
}

Task<int> build_unit_project(Context& context, std::filesystem::path directory, UnitChoice choice)
{
    const bool json = choice.json;
    auto building = build_and_report(context, std::move(directory), std::move(choice));
    auto exit = co_await std::move(building);
    if (!exit && json) context.printer->data(json_failure(exit.error()));
    co_return exit;
}

Task<int> explain_units(Context& context, std::filesystem::path directory, UnitChoice choice)
{
    CO_TRY(core::BuildOrder order, order_of(context, directory, choice));
    CO_TRY(engine::Client client, co_await connect(context));
    CO_CHECK(co_await resolve_all(context, client, order));
    const std::vector<std::string> asked = order.units;
    CO_TRY(auto forecast, core::forecast_units(order));
    std::erase_if(forecast, [&asked](const core::UnitForecast& unit) {
        return !asked.empty() && std::ranges::find(asked, unit.unit) == asked.end();
    });
    context.printer->data(forecast_text(forecast, choice.json));
    co_return exit_code::success;
}

} // namespace slipway::cli
