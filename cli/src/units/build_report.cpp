#include "units/build_report.hpp"

#include "json_text.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace slipway::cli {
namespace {

using core::DirtyReason;
using core::UnitEnd;
using core::UnitOutcome;

std::string seconds(std::chrono::milliseconds took)
{
    return fmt::format("{:.2f} s", static_cast<double>(took.count()) / 1'000);
}

class HumanReport final : public core::BuildWatch {
public:
    explicit HumanReport(Printer& printer) : printer_(&printer) {}

    void begins(const std::string& unit, const std::vector<DirtyReason>& reasons) override
    {
        for (const DirtyReason& reason : reasons) {
            printer_->detail(unit + " is stale: " + core::describe(reason));
        }
        running_.push_back(unit);
        show_running();
    }

    void ended(const UnitEnd& end) override
    {
        done_ = end.done;
        of_ = end.of;
        std::erase(running_, end.unit);
        if (!end.log.empty() || end.outcome != UnitOutcome::fresh) printer_->end_progress();
        show_log(end);
        switch (end.outcome) {
        case UnitOutcome::fresh:
            break;
        case UnitOutcome::placed:
            printer_->status("Placed", end.unit);
            break;
        case UnitOutcome::reused:
            printer_->status("Reused", end.unit + (end.shared ? ", from the shared cache" : ""));
            break;
        case UnitOutcome::ran:
            printer_->status("Built", fmt::format("{} in {}", end.unit, seconds(end.duration)));
            break;
        case UnitOutcome::failed:
            show_failure(end);
            break;
        case UnitOutcome::left_out:
            printer_->detail(end.unit + " is left out: " + end.reason);
            break;
        }
        show_running();
    }

    void waits(const std::string& unit) override
    {
        printer_->status("Waiting", "for another build of " + unit);
    }

    void warning(const std::string& text) override { printer_->warning(text); }

private:
    void show_log(const UnitEnd& end)
    {
        core::for_each_piece(end.log, [this](bool to_stderr, std::string_view bytes) {
            if (to_stderr) {
                printer_->foreign(bytes);
            } else {
                printer_->data(bytes);
            }
        });
    }

    void show_failure(const UnitEnd& end)
    {
        if (end.error.empty()) {
            printer_->error(fmt::format(
                "{}: unit {} failed with exit code {}", end.place, end.unit, end.exit_code
            ));
        } else {
            printer_->error(end.error, end.hint);
        }
    }

    void show_running()
    {
        if (running_.empty()) return;
        std::string names;
        for (const std::string& unit : running_) {
            names += (names.empty() ? "" : ", ") + unit;
        }
        printer_->progress(
            of_ == 0 ? "building " + names : fmt::format("{}/{} building {}", done_, of_, names)
        );
    }

    Printer* printer_;
    std::vector<std::string> running_;
    std::size_t done_ = 0;
    std::size_t of_ = 0;
};

class JsonReport final : public core::BuildWatch {
public:
    explicit JsonReport(Printer& printer) : printer_(&printer) {}

    void begins(const std::string& unit, const std::vector<DirtyReason>& reasons) override
    {
        JsonText json(JsonText::Form::line);
        json.begin_object().text("event", "unit-begun").text("unit", unit);
        json.key("reasons").begin_array();
        for (const DirtyReason& reason : reasons) {
            add_reason(json, reason);
        }
        json.end_array().end_object();
        printer_->data(json.take());
    }

    void ended(const UnitEnd& end) override
    {
        std::string out;
        std::string err;
        core::for_each_piece(end.log, [&](bool to_stderr, std::string_view bytes) {
            (to_stderr ? err : out) += bytes;
        });
        JsonText json(JsonText::Form::line);
        json.begin_object()
            .text("event", "unit-ended")
            .text("unit", end.unit)
            .text("place", end.place)
            .text("outcome", core::name(end.outcome))
            .boolean("shared", end.shared)
            .number("exit_code", end.exit_code)
            .number("duration_ms", end.duration.count())
            .text("reason", end.reason)
            .text("stdout", out)
            .text("stderr", err)
            .text("error", end.error)
            .text("hint", end.hint)
            .end_object();
        printer_->data(json.take());
    }

    void waits(const std::string& unit) override
    {
        JsonText json(JsonText::Form::line);
        json.begin_object().text("event", "unit-waits").text("unit", unit).end_object();
        printer_->data(json.take());
    }

    void warning(const std::string& text) override
    {
        JsonText json(JsonText::Form::line);
        json.begin_object().text("event", "warning").text("text", text).end_object();
        printer_->data(json.take());
    }

private:
    Printer* printer_;
};

} // namespace

std::shared_ptr<core::BuildWatch> human_report(Printer& printer)
{
    return std::make_shared<HumanReport>(printer);
}

std::shared_ptr<core::BuildWatch> json_report(Printer& printer)
{
    return std::make_shared<JsonReport>(printer);
}

std::vector<std::string> reason_lines(const std::vector<DirtyReason>& reasons)
{
    constexpr std::size_t most = 20;
    std::vector<std::string> lines;
    for (const DirtyReason& reason : reasons) {
        if (lines.size() == most) {
            lines.push_back(fmt::format("and {} more", reasons.size() - most));
            break;
        }
        lines.push_back(core::describe(reason));
    }
    return lines;
}

void add_reason(JsonText& json, const DirtyReason& reason)
{
    json.begin_object().text("name", reason.name).text("subject", reason.subject);
    for (const auto& [key, text] :
         {std::pair("before", &reason.before), std::pair("after", &reason.after)}) {
        json.key(key);
        *text ? json.text(**text) : json.null();
    }
    json.end_object();
}

std::string json_failure(const Error& error)
{
    JsonText json(JsonText::Form::line);
    json.begin_object().text("event", "build-failed").text("error", describe(error));
    json.text("hint", error.hint).end_object();
    return json.take();
}

std::string json_summary(const core::BuildSummary& summary)
{
    const auto count = [](std::size_t number) { return static_cast<std::int64_t>(number); };
    JsonText json(JsonText::Form::line);
    json.begin_object()
        .text("event", "build-finished")
        .boolean("success", summary.failed == 0)
        .number("fresh", count(summary.fresh))
        .number("placed", count(summary.placed))
        .number("reused", count(summary.reused))
        .number("ran", count(summary.ran))
        .number("failed", count(summary.failed))
        .number("left_out", count(summary.left_out))
        .end_object();
    return json.take();
}

std::string human_summary(const core::BuildSummary& summary, std::chrono::milliseconds took)
{
    std::string parts;
    const auto add = [&parts](std::size_t number, std::string_view what) {
        if (number == 0) return;
        parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", number, what);
    };
    add(summary.ran, "built");
    add(summary.reused, "reused");
    add(summary.placed, "placed");
    add(summary.fresh, "fresh");
    add(summary.failed, "failed");
    add(summary.left_out, "left out");
    if (parts.empty()) parts = "nothing to build";
    return fmt::format("{} in {}", parts, seconds(took));
}

BuildTrace::BuildTrace(std::shared_ptr<core::BuildWatch> next) : next_(std::move(next)) {}

std::int64_t BuildTrace::now_us() const
{
    const auto passed = std::chrono::steady_clock::now() - start_;
    return std::chrono::duration_cast<std::chrono::microseconds>(passed).count();
}

void BuildTrace::begins(const std::string& unit, const std::vector<DirtyReason>& reasons)
{
    Span span;
    span.unit = unit;
    span.reason = reasons.empty() ? "" : core::describe(reasons.front());
    span.begin_us = now_us();
    const auto in_lane = [this](std::size_t lane) {
        return std::ranges::find(running_, lane, &Span::lane) != running_.end();
    };
    while (in_lane(span.lane)) {
        ++span.lane;
    }
    running_.push_back(span);
    next_->begins(unit, reasons);
}

void BuildTrace::ended(const UnitEnd& end)
{
    const auto running = std::ranges::find(running_, end.unit, &Span::unit);
    Span span;
    if (running != running_.end()) {
        span = std::move(*running);
        running_.erase(running);
    } else {
        span.unit = end.unit;
        span.reason = end.reason;
        span.begin_us = now_us();
    }
    span.outcome = core::name(end.outcome);
    span.length_us = now_us() - span.begin_us;
    spans_.push_back(std::move(span));
    next_->ended(end);
}

void BuildTrace::waits(const std::string& unit)
{
    next_->waits(unit);
}

void BuildTrace::warning(const std::string& text)
{
    next_->warning(text);
}

std::string BuildTrace::text() const
{
    JsonText json;
    json.begin_object().key("traceEvents").begin_array();
    for (const Span& span : spans_) {
        json.begin_object()
            .text("name", span.unit)
            .text("cat", span.outcome)
            .text("ph", "X")
            .number("ts", span.begin_us)
            .number("dur", span.length_us)
            .number("pid", 1)
            .number("tid", static_cast<std::int64_t>(span.lane) + 1);
        json.key("args").begin_object().text("outcome", span.outcome).text("reason", span.reason);
        json.end_object().end_object();
    }
    json.end_array().text("displayTimeUnit", "ms").end_object();
    return json.take();
}

void HeldReport::tell(std::function<void()> what)
{
    if (held_) {
        waiting_.push_back(std::move(what));
    } else {
        what();
    }
}

void HeldReport::begins(const std::string& unit, const std::vector<DirtyReason>& reasons)
{
    tell([this, unit, reasons] { next_->begins(unit, reasons); });
}

void HeldReport::ended(const UnitEnd& end)
{
    if (!held_ && shown_.empty()) {
        next_->ended(end);
        return;
    }
    UnitEnd told = end;
    if (const auto seen = std::ranges::find(shown_, end.unit); seen != shown_.end()) {
        shown_.erase(seen);
        told.log.clear();
    }
    tell([this, told] { next_->ended(told); });
}

void HeldReport::waits(const std::string& unit)
{
    tell([this, unit] { next_->waits(unit); });
}

void HeldReport::warning(const std::string& text)
{
    tell([this, text] { next_->warning(text); });
}

void HeldReport::go_on()
{
    held_ = false;
    for (const auto& what : std::exchange(waiting_, {})) {
        what();
    }
}

} // namespace slipway::cli
