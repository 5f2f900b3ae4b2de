#pragma once

#include "output.hpp"
#include "style.hpp"

#include <slipway/engine/result.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::cli {

/// Decides once what goes where and how it looks. stdout carries data only; errors, warnings,
/// status lines and progress go to stderr. Used from one thread.
class Printer {
public:
    using Clock = std::chrono::steady_clock;

    struct Settings {
        bool color_out = false;
        bool color_err = false;
        bool quiet = false;      ///< no status, no progress
        bool verbose = false;    ///< more lines, and no progress line between them
        bool overwrites = false; ///< stderr is a terminal whose last line can be rewritten
        std::function<std::size_t()> columns = [] { return std::size_t{80}; };
        std::function<Clock::time_point()> now = [] { return Clock::now(); };
    };

    /// Both outputs must outlive the printer.
    Printer(Output& out, Output& err, Settings settings);
    ~Printer();
    Printer(const Printer&) = delete;
    Printer& operator=(const Printer&) = delete;

    /// Writes to stdout as it is. A closed pipe swallows this and all that follows; any other
    /// failure is kept for `stdout_failure`.
    void data(std::string_view text);
    std::error_code stdout_failure() const noexcept { return out_failure_; }

    /// `error: <what was done>: <message>`, further lines of the message indented below, and after
    /// an empty line `hint: ...`.
    void error(const Error& error);
    void error(std::string_view message, std::string_view hint = {});
    /// `warning: ...`; also when quiet.
    void warning(std::string_view message);
    /// A line such as `   Building slipway/aarch64-unknown-linux-gnu`; nothing when quiet.
    void status(std::string_view verb, std::string_view text);
    /// A line that only --verbose shows.
    void detail(std::string_view text);
    /// Text of somebody else (a build step, the engine) as lines on stderr; also when quiet. Escape
    /// sequences are kept only where colours are on.
    void foreign(std::string_view text);

    /// What goes on right now: one overwritten line, shown when the work has lasted half a second.
    /// Elsewhere than on a terminal nothing.
    void progress(std::string_view line);
    /// A new part of the work: as `progress`, and a line of its own where no line can be
    /// overwritten.
    void step(std::string_view line);
    /// Takes the progress line away; the next one waits for half a second again.
    void end_progress();

    /// When `refresh` has something to do, if ever.
    std::optional<Clock::time_point> next_refresh() const;
    void refresh();

    bool quiet() const noexcept { return settings_.quiet; }
    bool overwrites() const noexcept { return settings_.overwrites; }
    bool verbose() const noexcept { return settings_.verbose; }
    Style out_style() const noexcept { return Style(settings_.color_out); }
    Style err_style() const noexcept { return Style(settings_.color_err); }

private:
    void err_text(std::string_view text);
    void draw();
    void hide_line();

    Output& out_;
    Output& err_;
    Settings settings_;
    std::error_code out_failure_;
    bool out_closed_ = false;
    std::string progress_;
    bool pending_ = false;                 // progress_ differs from what is shown
    bool shown_ = false;                   // a progress line stands on the terminal
    std::optional<Clock::time_point> due_; // when progress_ may be drawn
};

enum class ColorChoice { automatic, always, never };

/// The settings for this process's stdout and stderr. NO_COLOR (not empty) and TERM=dumb turn
/// colours off unless `color` says always.
Printer::Settings settings_for_process(ColorChoice color, bool quiet, bool verbose);

} // namespace slipway::cli
