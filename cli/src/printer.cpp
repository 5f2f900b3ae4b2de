#include "printer.hpp"

#include "text.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace slipway::cli {
namespace {

constexpr std::chrono::milliseconds first_draw{500};
constexpr std::chrono::milliseconds between_draws{100};

} // namespace

Printer::Printer(Output& out, Output& err, Settings settings)
    : out_(out), err_(err), settings_(std::move(settings))
{
}

Printer::~Printer()
{
    hide_line();
}

void Printer::data(std::string_view text)
{
    if (out_closed_ || out_failure_) return;
    hide_line();
    const std::error_code failure = out_.write(text);
    if (failure == std::errc::broken_pipe) {
        out_closed_ = true;
    } else {
        out_failure_ = failure;
    }
}

void Printer::error(const Error& error)
{
    std::string text = describe(error);
    if (settings_.verbose && error.answer) {
        text += "\n" + error.answer->engine + " answered " + std::to_string(error.answer->status)
                + " to " + error.answer->method + " " + error.answer->route;
    }
    this->error(text, error.hint);
}

void Printer::error(std::string_view message, std::string_view hint)
{
    const std::string clean = plain(message);
    const auto lines = lines_of(clean);
    std::string text = err_style().error("error") + ": ";
    for (std::size_t i = 0; i < lines.size(); ++i) {
        text += i == 0 ? "" : "  ";
        text += lines[i];
        text += '\n';
    }
    if (lines.empty()) text += '\n';
    if (!hint.empty()) {
        text += '\n' + err_style().hint("hint") + ": ";
        text += hint;
        text += '\n';
    }
    err_text(text);
}

void Printer::warning(std::string_view message)
{
    err_text(err_style().warning("warning") + ": " + plain(message) + "\n");
}

void Printer::status(std::string_view verb, std::string_view text)
{
    if (settings_.quiet) return;
    constexpr std::size_t verb_columns = 10;
    const std::size_t width = width_of(verb);
    const std::string indent(width < verb_columns ? verb_columns - width : 0, ' ');
    err_text(indent + err_style().success(verb) + " " + plain(text) + "\n");
}

void Printer::detail(std::string_view text)
{
    if (settings_.verbose) err_text(err_style().faint(plain(text)) + "\n");
}

void Printer::foreign(std::string_view text)
{
    if (text.empty()) return;
    std::string lines = settings_.color_err ? std::string(text) : plain(text);
    if (lines.back() != '\n') lines += '\n';
    if (lines.find('\x1b') != std::string::npos) lines += "\x1b[0m"; // whatever it left on
    err_text(lines);
}

void Printer::progress(std::string_view line)
{
    if (!settings_.overwrites || settings_.quiet || settings_.verbose) return;
    progress_ = line;
    pending_ = true;
    if (!due_) due_ = settings_.now() + first_draw;
    refresh();
}

void Printer::step(std::string_view line)
{
    if (settings_.overwrites && !settings_.verbose) {
        progress(line);
    } else if (!settings_.quiet) {
        err_text(plain(line) + "\n");
    }
}

void Printer::end_progress()
{
    hide_line();
    pending_ = false;
    due_.reset();
}

std::optional<Printer::Clock::time_point> Printer::next_refresh() const
{
    if (!pending_) return std::nullopt;
    return due_;
}

void Printer::refresh()
{
    if (pending_ && settings_.now() >= *due_) draw();
}

void Printer::draw()
{
    const std::size_t columns = settings_.columns();
    // The last column stays empty: some terminals wrap as soon as it is written.
    const std::string line = one_line(progress_, columns > 1 ? columns - 1 : 1);
    (void)err_.write("\r" + line + "\x1b[K");
    shown_ = true;
    pending_ = false;
    due_ = settings_.now() + between_draws;
}

void Printer::hide_line()
{
    if (!shown_) return;
    (void)err_.write("\r\x1b[K");
    shown_ = false;
    pending_ = true; // it comes back below what is written now
}

// Nothing is left to tell an error of stderr to.
void Printer::err_text(std::string_view text)
{
    hide_line();
    (void)err_.write(text);
}

Printer::Settings settings_for_process(ColorChoice color, bool quiet, bool verbose)
{
    const auto environment = [](const char* name) -> std::string_view {
        const char* value = std::getenv(name);
        return value != nullptr ? value : "";
    };
    const bool smart = environment("TERM") != "dumb";
    const auto colored = [&](int descriptor) {
        if (color != ColorChoice::automatic) return color == ColorChoice::always;
        return smart && environment("NO_COLOR").empty() && isatty(descriptor) == 1;
    };
    Printer::Settings settings;
    settings.color_out = colored(STDOUT_FILENO);
    settings.color_err = colored(STDERR_FILENO);
    settings.quiet = quiet;
    settings.verbose = verbose;
    settings.overwrites = smart && isatty(STDERR_FILENO) == 1;
    settings.columns = [] {
        winsize size{};
        const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
        return known ? std::size_t{size.ws_col} : std::size_t{80};
    };
    return settings;
}

} // namespace slipway::cli
