#include "units/tool_build.hpp"

#include "commands/cargo_job.hpp"
#include "engine.hpp"
#include "exit_code.hpp"
#include "terminal.hpp"
#include "text.hpp"
#include "units/build_report.hpp"
#include "units/unit_build.hpp"

#include <slipway/core/tool_build.hpp>

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <utility>

namespace slipway::cli {
namespace {

using std::chrono::steady_clock;

// A call of a tool, ready to run.
struct ToolJob {
    core::ProjectKind kind = core::ProjectKind::cargo;
    std::string target;
    std::string profile;
    ImageChoice image;
    core::Job job;
    std::filesystem::path results; // empty: nobody knows what it makes
    core::EntryFilter is_output{};
    std::string never_done{};
};

// Whether a path is `directory`, in it, or on the way to it.
bool is_on_way(std::string_view path, const std::string& directory)
{
    const std::string_view shorter = path.size() < directory.size() ? path : directory;
    const std::string_view longer = path.size() < directory.size() ? directory : path;
    return longer.starts_with(shorter)
           && (longer.size() == shorter.size() || longer[shorter.size()] == '/');
}

Task<ToolJob> plan_cargo_tool(Context& context, ToolChoice choice)
{
    CO_TRY(core::Job own, container_job(choice.run));
    std::vector<std::string> words = core::cargo_arguments(choice.call);
    ToolJob out;
    out.profile = core::cargo_profile_directory(words);
    CargoChoice named{choice.call.image, choice.toolchain};
    auto planning = plan_cargo_job(context, std::move(words), std::move(own), std::move(named));
    CO_TRY(CargoJob planned, co_await std::move(planning));
    out.target = planned.target;
    out.image = std::move(planned.image);
    out.job = std::move(planned.job);
    const core::BuildDirectory& build = *out.job.workspace->build;
    out.results = build.path;
    out.is_output = [directory = out.target + "/" + out.profile,
                     is_result = build.is_result](std::string_view path, core::EntryType type) {
        return is_on_way(path, directory) && is_result(path, type);
    };
    co_return out;
}

Result<ToolJob>
plan_other_tool(const Context& context, const core::Project& project, ToolChoice choice)
{
    if (!choice.toolchain.empty()) {
        Error error(
            Errc::invalid_argument,
            "--toolchain is for cargo, and there is no Cargo.toml in " + project.directory.string()
        );
        error.hint = "leave --toolchain out: compilers of C and C++ are the image's";
        return fail(std::move(error));
    }
    ToolJob out;
    out.kind = project.kind;
    TRY(out.job, container_job(choice.run));
    ImageChoice& image = choice.run.image;
    if (image.target.empty() && image.image.empty()) {
        image.target = host_target();
        choice.call.target = image.target;
    }
    CHECK_OK(image_reference(context, image)); // a wrong target is no directory's name
    const bool cmake = project.kind == core::ProjectKind::cmake;
    auto planning =
        cmake ? core::plan_cmake(choice.call, project) : core::plan_make(choice.call, project);
    TRY(core::BuildPlan planned, std::move(planning));
    out.target = choice.call.target;
    out.profile = choice.call.profile == core::BuildProfile::release ? "release" : "debug";
    out.image = std::move(image);
    if (out.image.target.empty()) out.image.target = host_target();
    out.job.argv = std::move(planned.argv);
    out.job.cwd = planned.directory.string();
    out.job.workspace = std::move(planned.workspace);
    out.results = std::move(planned.results);
    out.never_done = std::move(planned.never_done);
    if (out.results.empty()) return out;
    const std::string below = out.results.lexically_relative(out.job.workspace->root).string();
    out.is_output = [below, comes_back = out.job.workspace->bring_back](
                        std::string_view path, core::EntryType type
                    ) { return comes_back(below + "/" + std::string(path), type); };
    return out;
}

Task<ToolJob> plan_tool(Context& context, core::Project project, ToolChoice choice)
{
    CO_TRY(choice.call.directory, current_directory());
    if (project.kind == core::ProjectKind::cargo) {
        co_return co_await plan_cargo_tool(context, std::move(choice));
    }
    co_return plan_other_tool(context, project, std::move(choice));
}

core::UnitInputs inputs_of(const core::Job& job)
{
    core::UnitInputs inputs;
    inputs.command = job.argv;
    inputs.network = job.network;
    for (const std::string& entry : job.env) {
        const auto equals = entry.find('=');
        const std::string name = entry.substr(0, equals);
        if (equals == std::string::npos || name == "TERM") continue; // how the output looks
        inputs.env[name] = core::shown_variable(name, entry.substr(equals + 1));
    }
    return inputs;
}

Task<core::ToolUnit> unit_of(Context& context, std::shared_ptr<const ToolJob> tool)
{
    const core::Job& job = tool->job;
    core::ToolUnit unit;
    unit.root = job.workspace->root;
    for (const core::BesideWorkspace& beside : job.workspace->also) {
        unit.beside.push_back(beside.path);
    }
    CO_TRY(engine::Client client, co_await connect(context));
    CO_TRY(
        const core::ResolvedToolchain image, co_await resolve_image(context, client, tool->image)
    );
    core::UnitIdentity& identity = unit.identity;
    const bool cargo = tool->kind == core::ProjectKind::cargo;
    identity.recipe = cargo ? "cargo" : "cmake";
    identity.name = identity.recipe + "-build";
    const std::filesystem::path directory(job.cwd);
    identity.path = directory.lexically_relative(unit.root).native();
    identity.profile = tool->profile;
    identity.target = tool->target;
    identity.platform = job.platform.empty() ? image.platform : job.platform;
    identity.toolchain = image.digest;
    if (job.toolchain) {
        CO_TRY(const core::Sha256 rust, core::host_toolchain_digest(*job.toolchain));
        core::Record both("toolchains", 1);
        both.add("image", image.digest).add("host", rust);
        identity.toolchain = both.digest();
    }
    unit.inputs = inputs_of(job);
    unit.results = tool->results;
    unit.is_output = tool->is_output;
    unit.never_done = tool->never_done;
    unit.movable = cargo; // cmake's files tell where they are
    if (cargo) {
        unit.made_inputs = {"Cargo.lock"};
        unit.depfiles = ".d";
        unit.manifest = "Cargo.toml";
    }
    co_return unit;
}

// What the tool had to say of the sources when it built them.
void replay(Printer& printer, core::ProjectKind tool, std::string_view log)
{
    std::string out;
    std::string err;
    core::for_each_piece(log, [&](bool to_stderr, std::string_view bytes) {
        (to_stderr ? err : out) += bytes;
    });
    const auto without_progress = [tool](const std::string& text) {
        std::string rest;
        for (const std::string_view line : lines_of(text)) {
            const std::string shown = plain(line);
            const bool empty_now = shown.empty() && !line.empty();
            if (!empty_now && !core::is_progress(tool, shown)) rest += std::string(line) + "\n";
        }
        return rest;
    };
    printer.data(without_progress(out));
    if (const std::string rest = without_progress(err); !rest.empty()) printer.foreign(rest);
}

// All but what the tool itself says: that is on its way already.
class ToolReport final : public core::BuildWatch {
public:
    ToolReport(Printer& printer, bool explain) : printer_(&printer), explain_(explain) {}

    void begins(const std::string& unit, const std::vector<core::DirtyReason>& reasons) override
    {
        printer_->end_progress();
        for (const std::string& reason : reason_lines(reasons)) {
            const std::string text = unit + ": " + reason;
            explain_ ? printer_->status("Stale", text) : printer_->detail("stale: " + text);
        }
    }
    void ended(const core::UnitEnd&) override {}
    void waits(const std::string& unit) override
    {
        printer_->status("Waiting", "for another build of " + unit);
    }
    void warning(const std::string& text) override { printer_->warning(text); }

private:
    Printer* printer_;
    bool explain_;
};

} // namespace

Task<int> build_with_tool(Context& context, core::Project project, ToolChoice choice)
{
    const auto began = steady_clock::now();
    const bool force = choice.force;
    const bool explain = choice.explain;
    const bool test = choice.call.test;
    CO_TRY(ToolJob planned, co_await plan_tool(context, std::move(project), std::move(choice)));
    const auto tool = std::make_shared<ToolJob>(std::move(planned));
    if (test || tool->results.empty()) {
        co_return co_await run_job(
            context, std::move(tool->image), std::move(tool->job), Container::warm
        );
    }
    CO_TRY(core::ToolUnit unit, co_await unit_of(context, tool));
    const core::RunTool run = [&context, tool](JobWrote wrote) -> Task<std::int64_t> {
        JobWrote tell = std::move(wrote);
        if (on_terminal()) { // where cargo's stderr is one with stdout
            tell = [all = std::move(tell)](bool, std::string_view bytes) { all(true, bytes); };
        }
        CO_TRY(
            const int code,
            co_await run_job(context, tool->image, tool->job, Container::warm, std::move(tell))
        );
        co_return code;
    };
    const std::shared_ptr<core::BuildWatch> report =
        std::make_shared<ToolReport>(*context.printer, explain);
    context.printer->progress("looking at the files of the workspace");
    CO_TRY(const core::UnitEnd end, co_await core::build_tool(std::move(unit), force, run, report));
    if (end.outcome != core::UnitOutcome::fresh) co_return static_cast<int>(end.exit_code);
    context.printer->end_progress();
    replay(*context.printer, tool->kind, end.log);
    const std::chrono::duration<double, std::milli> took = steady_clock::now() - began;
    context.printer->status(
        "Fresh", fmt::format("{}, nothing has changed ({:.0f} ms)", end.unit, took.count())
    );
    co_return exit_code::success;
}

Task<int> explain_tool(Context& context, core::Project project, ToolChoice choice, bool json)
{
    CO_TRY(ToolJob planned, co_await plan_tool(context, std::move(project), std::move(choice)));
    if (planned.results.empty()) {
        Error error(Errc::unsupported, "make knows what is stale, and nobody else");
        error.hint = "ask it: slipway build -- -n";
        co_return fail(std::move(error));
    }
    const auto tool = std::make_shared<ToolJob>(std::move(planned));
    CO_TRY(const core::ToolUnit unit, co_await unit_of(context, tool));
    CO_TRY(core::UnitForecast forecast, core::forecast_tool(unit));
    std::vector<core::UnitForecast> one{std::move(forecast)};
    context.printer->data(forecast_text(one, json));
    co_return exit_code::success;
}

} // namespace slipway::cli
