#include "images/build_log.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
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

/// "3/9".
struct Numbers {
    std::string text;
    std::size_t number = 0;
};

/// Takes them from the front of `text`.
std::optional<Numbers> take_numbers(std::string_view& text)
{
    const std::size_t end = text.find_first_not_of("0123456789/");
    if (end == 0 || end == std::string_view::npos) return std::nullopt;
    const std::string_view place = text.substr(0, end);
    const std::size_t slash = place.find('/');
    if (slash == 0 || slash == std::string_view::npos || slash + 1 == place.size()) {
        return std::nullopt;
    }
    text.remove_prefix(end);
    Numbers out;
    out.text = place;
    std::from_chars(place.data(), place.data() + slash, out.number);
    return out;
}

/// A step; without a place, an instruction that is none.
std::optional<ImageEvent> as_step(std::string_view line, const StepPlaces& places)
{
    ImageEvent step;
    step.kind = ImageEvent::Kind::step;
    if (take(line, "Step ")) { // dockerd
        const auto numbers = take_numbers(line);
        if (!numbers || !take(line, " : ")) return std::nullopt;
        step.place = places.in_file(numbers->number, line).value_or(numbers->text);
    } else { // podman, which counts the stages too when there are several
        std::optional<Numbers> stage;
        if (take(line, "[")) {
            stage = take_numbers(line);
            if (!stage || !take(line, "] ")) return std::nullopt;
        }
        if (!take(line, "STEP ")) return std::nullopt;
        const auto numbers = take_numbers(line);
        if (!numbers || !take(line, ": ")) return std::nullopt;
        const std::string own = (stage ? stage->text + " " : std::string()) + numbers->text;
        step.place =
            places.in_stage(stage ? stage->number : 1, numbers->number, line).value_or(own);
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
    return take(line, "[") && take_numbers(line) && take(line, "] ") && begins_as_note(line);
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
    if (auto step = as_step(text, places_)) {
        begin(*std::move(step));
    } else if (is_note(text)) {
        tell(ImageEvent::Kind::note, text);
    } else {
        step_.saw_no_network = step_.saw_no_network || tells_of_no_network(text);
        tell(ImageEvent::Kind::output, text);
    }
}

// These builders do one step after the other.
void BuildLog::begin(ImageEvent step)
{
    if (!step_.event.place.empty()) tell(ImageEvent::Kind::done, {});
    step_ = BuildStep{};
    if (step.place.empty()) {
        tell(ImageEvent::Kind::note, step.text);
        return;
    }
    step_.event = std::move(step);
    on_event_(step_.event);
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
