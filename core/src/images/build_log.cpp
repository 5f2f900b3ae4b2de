#include "images/build_log.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>

namespace slipway::core {
namespace {

// A line without an end must not grow with what a step writes.
constexpr std::size_t max_line_bytes = std::size_t{64} << 10;

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

bool is_note(std::string_view line)
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
    // podman ends a build with the bare id, and with several stages puts them before its notes.
    if (line.size() == 64 && line.find_first_not_of("0123456789abcdef") == line.npos) return true;
    return take(line, "[") && take_place(line) && take(line, "] ") && is_note(line);
}

bool tells_of_no_network(std::string_view line)
{
    static constexpr std::array<std::string_view, 4> signs{
        "Temporary failure resolving",
        "Temporary failure in name resolution",
        "Could not resolve host",
        "Network is unreachable",
    };
    for (const std::string_view sign : signs) {
        if (line.find(sign) != std::string_view::npos) return true;
    }
    return false;
}

} // namespace

void BuildLog::add(const engine::Progress& message)
{
    if (const std::string text = pull_text(message); !text.empty()) {
        tell(ImageEvent::Kind::pull, text);
    }
    std::string_view stream = message.stream;
    while (!stream.empty()) {
        const std::size_t end = stream.find('\n');
        if (end == std::string_view::npos) {
            partial_ += stream;
            if (partial_.size() > max_line_bytes) finish();
            return;
        }
        partial_ += stream.substr(0, end);
        stream.remove_prefix(end + 1);
        finish();
    }
}

void BuildLog::finish()
{
    if (partial_.empty()) return;
    line(partial_);
    partial_.clear();
}

void BuildLog::line(std::string_view text)
{
    while (take(text, color_off)) {
    }
    if (auto step = as_step(text)) {
        step_ = *std::move(step);
        no_network_ = false;
        on_event_(step_);
    } else if (is_note(text)) {
        tell(ImageEvent::Kind::note, text);
    } else {
        no_network_ = no_network_ || tells_of_no_network(text);
        tell(ImageEvent::Kind::output, text);
    }
}

void BuildLog::tell(ImageEvent::Kind kind, std::string_view text)
{
    ImageEvent event;
    event.kind = kind;
    event.text = text;
    event.place = step_.place;
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
