#include "images/build_log.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>

namespace slipway::core {
namespace {

// dockerd paints what a step writes to stderr, and ends that at the start of the line after it.
constexpr std::string_view color_off = "\x1b[0m";

bool take(std::string_view& text, std::string_view prefix)
{
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

/// "3/9" from the front of `text`.
std::optional<std::string> take_place(std::string_view& text)
{
    const std::size_t end = text.find_first_not_of("0123456789/");
    if (end == 0 || end == std::string_view::npos) return std::nullopt;
    const std::string_view place = text.substr(0, end);
    const std::size_t slash = place.find('/');
    if (slash == 0 || slash == std::string_view::npos || slash + 1 == place.size()) {
        return std::nullopt;
    }
    text.remove_prefix(end);
    return std::string(place);
}

std::optional<ImageEvent> as_step(std::string_view line)
{
    ImageEvent step;
    step.kind = ImageEvent::Kind::step;
    if (take(line, "Step ")) { // dockerd
        const auto place = take_place(line);
        if (!place || !take(line, " : ")) return std::nullopt;
        step.place = *place;
    } else { // podman, which counts the stages too when there are several
        if (take(line, "[")) {
            const auto stage = take_place(line);
            if (!stage || !take(line, "] ")) return std::nullopt;
            step.place = *stage + " ";
        }
        if (!take(line, "STEP ")) return std::nullopt;
        const auto place = take_place(line);
        if (!place || !take(line, ": ")) return std::nullopt;
        step.place += *place;
    }
    step.text = line;
    return step;
}

bool begins_as_note(std::string_view line)
{
    static constexpr std::array<std::string_view, 8> starts{
        " ---> ",
        "--> ",
        "[Warning]",
        "COMMIT ",
        "Removing intermediate container ",
        "Successfully built ",
        "Successfully tagged ",
        "time=\"",
    };
    for (const std::string_view start : starts) {
        if (line.starts_with(start)) return true;
    }
    // podman ends a build with the bare id.
    return line.size() == 64 && line.find_first_not_of("0123456789abcdef") == line.npos;
}

/// With several stages podman puts the stage before its notes.
bool is_note(std::string_view line)
{
    if (begins_as_note(line)) return true;
    return take(line, "[") && take_place(line) && take(line, "] ") && begins_as_note(line);
}

} // namespace

void BuildLog::add(const engine::Progress& message)
{
    if (message.trace) {
        traces_.add(*message.trace);
        return;
    }
    if (const std::string text = pull_text(message); !text.empty()) {
        tell(ImageEvent::Kind::pull, text);
    }
    lines_.add(message.stream, [this](std::string_view text) { line(text); });
}

void BuildLog::finish()
{
    lines_.finish([this](std::string_view text) { line(text); });
    traces_.finish();
}

void BuildLog::fail()
{
    finish();
    const BuildStep* const failed = step();
    if (failed == nullptr) return;
    ImageEvent event = failed->event;
    event.kind = ImageEvent::Kind::failed;
    on_event_(event);
}

const BuildStep* BuildLog::step() const
{
    return step_.event.place.empty() ? traces_.step() : &step_;
}

void BuildLog::line(std::string_view text)
{
    while (take(text, color_off)) {
    }
    if (auto step = as_step(text)) {
        // This builder does one step after the other.
        if (!step_.event.place.empty()) tell(ImageEvent::Kind::done, {});
        step_ = BuildStep{*std::move(step), false};
        on_event_(step_.event);
    } else if (is_note(text)) {
        tell(ImageEvent::Kind::note, text);
    } else {
        step_.saw_no_network = step_.saw_no_network || tells_of_no_network(text);
        tell(ImageEvent::Kind::output, text);
    }
}

void BuildLog::tell(ImageEvent::Kind kind, std::string_view text)
{
    ImageEvent event;
    event.kind = kind;
    event.text = text;
    event.place = step_.event.place;
    on_event_(event);
}

std::string pull_text(const engine::Progress& message)
{
    if (message.status.empty()) return {};
    std::string text = message.status;
    if (!message.id.empty()) text += " " + message.id;
    if (message.current && message.total && *message.total > 0) {
        constexpr double megabyte = 1e6;
        text += fmt::format(
            ": {:.0f} MB of {:.0f} MB",
            static_cast<double>(*message.current) / megabyte,
            static_cast<double>(*message.total) / megabyte
        );
    }
    return text;
}

} // namespace slipway::core
