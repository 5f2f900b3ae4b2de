#include "commands/commands.hpp"
#include "doctor_report.hpp"
#include "engine.hpp"
#include "event_loop.hpp"
#include "exit_code.hpp"
#include "job_command.hpp"

#include <CLI/App.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

struct DoctorOptions {
    bool json = false;
};

// Engines in a virtual machine share only some folders, most often the home: so one place for
// sockets and temporary files, and one where people work.
std::vector<fs::path> directories_to_try(const Context& context)
{
    std::vector<fs::path> directories;
    std::error_code failed;
    fs::path runtime = context.environment.directory("XDG_RUNTIME_DIR");
    if (runtime.empty()) runtime = fs::temp_directory_path(failed);
    if (fs::is_directory(runtime, failed)) directories.push_back(runtime);
    const fs::path here = fs::current_path(failed);
    if (!failed && here != runtime) directories.push_back(here);
    return directories;
}

Task<int> doctor(Context& context, DoctorOptions options)
{
    core::DoctorQuestion question;
    question.environment = context.environment;
    question.host_option = context.globals.host;
    CO_TRY(question.client, client_options(context));
    question.client.call_deadlines.total = question.timeout;
    question.directories = directories_to_try(context);
    CO_TRY(const AgentUse agent, agent_use());
    question.agent = agent != AgentUse::none;
    context.printer->progress("Asking every place where an engine may be");
    CO_TRY(const core::DoctorReport report, co_await core::diagnose(std::move(question)));
    context.printer->end_progress();
    const Style style = context.printer->out_style();
    context.printer->data(options.json ? doctor_json(report) : doctor_text(report, style));
    co_return report.used ? exit_code::success : exit_code::engine_unreachable;
}

} // namespace

void add_doctor(CLI::App& app, Context& context)
{
    auto options = std::make_shared<DoctorOptions>();
    CLI::App* command =
        app.add_subcommand("doctor", "Explain which engine is used, and what to do if none is");
    command->add_flag("--json", options->json, "Write JSON to stdout");
    command->footer("The exit code is 0 when an engine can be used and 3 when none can.");
    command->callback([&context, options] {
        context.command = [options](Context& c) { return run(c, doctor(c, *options)); };
    });
}

} // namespace slipway::cli
