#pragma once

#include "printer.hpp"

#include <slipway/core/build_units.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace slipway::cli {

/// A build as a person reads it: what a unit wrote is shown whole when the unit has ended, on
/// stdout and stderr as it was written; all else on stderr.
std::shared_ptr<core::BuildWatch> human_report(Printer& printer);

/// A build as a program reads it: a JSON object in each line of stdout.
///
///   {"event": "unit-begun", "unit", "reasons": [REASON...]}
///   {"event": "unit-waits", "unit"}: another process builds it
///   {"event": "unit-ended", "unit", "place", "outcome", "shared", "exit_code", "duration_ms",
///   "reason",
///    "stdout", "stderr", "error", "hint"}
///   {"event": "warning", "text"}
///   {"event": "build-failed", "error", "hint"}: the last line where it could not go on
///
/// REASON: {"name", "subject", "before", "after"}, the last two null where there is none. The
/// outcomes are those of core::UnitOutcome.
std::shared_ptr<core::BuildWatch> json_report(Printer& printer);

std::string json_failure(const Error& error);
/// Else the last line of it: {"event": "build-finished", "success", and a number for each outcome}.
std::string json_summary(const core::BuildSummary& summary);
std::string human_summary(const core::BuildSummary& summary, std::chrono::milliseconds took);

/// As a person reads them: so many lines as are of use.
std::vector<std::string> reason_lines(const std::vector<core::DirtyReason>& reasons);

/// A REASON.
class JsonText;
void add_reason(JsonText& json, const core::DirtyReason& reason);

/// Notes when units ran, and tells another watch. Write `text` to a file, and chrome://tracing or
/// Perfetto shows it.
class BuildTrace final : public core::BuildWatch {
public:
    explicit BuildTrace(std::shared_ptr<core::BuildWatch> next);

    void begins(const std::string& unit, const std::vector<core::DirtyReason>& reasons) override;
    void ended(const core::UnitEnd& end) override;
    void waits(const std::string& unit) override;
    void warning(const std::string& text) override;

    std::string text() const;

private:
    struct Span {
        std::string unit;
        std::string outcome;
        std::string reason;
        std::int64_t begin_us = 0;
        std::int64_t length_us = 0;
        std::size_t lane = 0;
    };

    std::int64_t now_us() const;

    std::shared_ptr<core::BuildWatch> next_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::vector<Span> running_;
    std::vector<Span> spans_;
};

/// Keeps back what it is told while `hold` has been called, until `go_on`: while a shell has the
/// terminal.
class HeldReport final : public core::BuildWatch {
public:
    explicit HeldReport(std::shared_ptr<core::BuildWatch> next) : next_(std::move(next)) {}

    void begins(const std::string& unit, const std::vector<core::DirtyReason>& reasons) override;
    void ended(const core::UnitEnd& end) override;
    void waits(const std::string& unit) override;
    void warning(const std::string& text) override;

    void hold() { held_ = true; }
    void go_on();
    /// The unit's end has been shown but for that it was the end: its output is not shown again.
    void shown(std::string unit) { shown_.push_back(std::move(unit)); }

private:
    void tell(std::function<void()> what);

    std::shared_ptr<core::BuildWatch> next_;
    bool held_ = false;
    std::vector<std::function<void()>> waiting_;
    std::vector<std::string> shown_;
};

} // namespace slipway::cli
