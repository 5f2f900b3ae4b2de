#include "image_report.hpp"

#include "text.hpp"

#include <slipway/core/suggest.hpp>

#include <cstdlib>

namespace slipway::cli {
namespace {

constexpr std::size_t max_kept_output = std::size_t{256} << 10;
constexpr std::size_t step_columns = 100;
constexpr std::size_t instruction_columns = 44;

std::string step_line(const core::ImageEvent& step)
{
    return "[" + step.place + "] " + step.text;
}

} // namespace

std::string base_image(const core::ImageCatalog& catalog, const std::string& option)
{
    if (!option.empty() || catalog.default_base().empty()) return option;
    const char* named = std::getenv("SLIPWAY_BASE_IMAGE");
    return named != nullptr ? named : "";
}

Result<> check_target(const core::ImageCatalog& catalog, const core::BuildChoice& choice)
{
    auto checked = core::check_choice(catalog, choice);
    if (!checked && !catalog.has_target(choice.target)) {
        if (const auto meant = core::nearest(choice.target, catalog.targets())) {
            checked.error().hint = "did you mean `" + *meant + "`? " + checked.error().hint;
        }
    }
    return checked;
}

void ImageReport::show(const core::ImageEvent& event)
{
    using Kind = core::ImageEvent::Kind;
    if (!building_.empty()) {
        printer_->status("Building", building_);
        building_.clear();
    }
    switch (event.kind) {
    case Kind::step:
        steps_[event.place].event = event;
        shown_ = event.place;
        printer_->step(
            printer_->verbose() ? step_line(event) : one_line(step_line(event), step_columns)
        );
        break;
    case Kind::output:
        show_output(event);
        break;
    case Kind::note:
        printer_->detail(event.text);
        break;
    case Kind::pull:
        printer_->progress(event.text);
        break;
    case Kind::done:
        steps_.erase(event.place);
        break;
    case Kind::failed:
        failed_ = event.place;
        break;
    }
}

void ImageReport::show_output(const core::ImageEvent& event)
{
    Step& step = steps_[event.place];
    if (printer_->verbose()) {
        // Several steps can write at the same time; which one it is must be seen.
        if (event.place != shown_ && !step.event.text.empty())
            printer_->step(step_line(step.event));
        shown_ = event.place;
        printer_->foreign(event.text);
        return;
    }
    step.output += event.text + "\n";
    if (step.output.size() > 2 * max_kept_output) {
        step.output.erase(0, step.output.size() - max_kept_output);
        step.cut = true;
    }
    printer_->progress(
        "[" + event.place + "] " + one_line(step.event.text, instruction_columns) + "  "
        + event.text
    );
}

void ImageReport::show_failed_step()
{
    printer_->end_progress();
    const auto failed = steps_.find(failed_);
    if (printer_->verbose() || failed == steps_.end() || failed->second.event.text.empty()) return;
    const Step& step = failed->second;
    const std::string line = step_line(step.event);
    const bool stands_above = !printer_->overwrites() && !printer_->quiet() && shown_ == failed_
                              && one_line(line, step_columns) == line;
    std::string text;
    if (!stands_above) text += line + "\n";
    if (step.cut) text += "(the start is left out; --verbose shows all)\n";
    printer_->foreign(text + step.output + "\n");
    steps_.clear();
}

namespace {

// Ends the display of a build with what is to be seen of its failure.
Task<std::string>
shown(Context& context, const engine::Client& client, ImageReport& report, Task<std::string> task)
{
    Printer& printer = *context.printer;
    auto built = co_await std::move(task);
    if (built) {
        printer.end_progress();
        co_return *std::move(built);
    }
    if (built.error().code == Errc::cancelled) {
        printer.end_progress();
        if (client.traits().build_survives_disconnect) {
            printer.warning(
                "the engine cannot be told to stop a build: it goes on with the step it is at"
            );
        }
    } else {
        report.show_failed_step();
    }
    co_return fail(std::move(built).error());
}

} // namespace

Task<std::string> build_and_show(
    Context& context,
    engine::Client client,
    core::ImageCatalog catalog,
    core::BuildChoice choice,
    BuildWhen when
)
{
    const std::string target = choice.target;
    CO_CHECK(check_target(catalog, choice));
    const std::string first = when == BuildWhen::missing ? " (once; this takes a while)" : "";
    ImageReport report(*context.printer, "the image for " + target + first);
    const core::OnImageEvent on_event = [&report](const core::ImageEvent& event) {
        report.show(event);
    };
    Task<std::string> task = when == BuildWhen::always
                                 ? core::build_image(client, catalog, choice, on_event)
                                 : core::ensure_image(client, catalog, choice, on_event);
    co_return co_await shown(context, client, report, std::move(task));
}

Task<std::string> build_and_show(
    Context& context, engine::Client client, core::DockerfileImage image, core::BuildChoice choice
)
{
    ImageReport report(*context.printer, "the image of " + image.origin);
    const core::OnImageEvent on_event = [&report](const core::ImageEvent& event) {
        report.show(event);
    };
    Task<std::string> task = core::ensure_dockerfile_image(client, image, choice, on_event);
    co_return co_await shown(context, client, report, std::move(task));
}

Task<>
pull_and_show(Context& context, engine::Client client, std::string reference, std::string platform)
{
    ImageReport report(*context.printer);
    const core::OnImageEvent on_event = [&report](const core::ImageEvent& event) {
        report.show(event);
    };
    auto pulled =
        co_await core::ensure_pulled(client, context.environment, reference, on_event, platform);
    context.printer->end_progress();
    co_return pulled;
}

} // namespace slipway::cli
