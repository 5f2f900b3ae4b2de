#include "doctor_report.hpp"

#include "json_text.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace slipway::cli {
namespace {

using core::DoctorReport;
using core::EngineReport;
using core::FileSight;
using engine::Probed;
using engine::ProbeState;

constexpr std::size_t row_columns = 1000;

/// The part of the report about one candidate's place.
std::string place_of(const Probed& probed)
{
    const std::string url = probed.url();
    return url.empty() ? probed.candidate.source : url;
}

std::string joined(const std::vector<std::string>& parts, std::string_view between)
{
    std::string text;
    for (const std::string& part : parts) {
        if (part.empty()) continue;
        if (!text.empty()) text += between;
        text += part;
    }
    return text;
}

/// What an engine says about itself is not to move the cursor.
std::string row(std::string_view label, std::string_view value)
{
    const std::string line = one_line(value, row_columns);
    return line.empty() ? std::string() : fmt::format("  {:<16} {}\n", label, line);
}

std::string api_text(const EngineReport& engine)
{
    std::string text = to_string(engine.traits.api);
    if (engine.traits.api != engine.traits.engine_api) {
        text += " (the engine's newest is " + to_string(engine.traits.engine_api) + ")";
    }
    return text;
}

std::string security_text(core::Security security)
{
    switch (security) {
    case core::Security::local_socket:
        return "local socket";
    case core::Security::plain_tcp:
        return "TCP without TLS: whoever reaches that port has root on the engine's machine";
    case core::Security::tls:
        return "TCP with TLS";
    case core::Security::tls_unverified:
        return "TCP with TLS, but the engine's certificate is not checked";
    case core::Security::ssh:
        return "ssh, which forwards the engine's socket";
    }
    return {};
}

std::string sight_text(FileSight sight)
{
    switch (sight) {
    case FileSight::seen:
        return "yes";
    case FileSight::not_seen:
        return "no, files are copied";
    case FileSight::unknown:
        return "not known";
    }
    return {};
}

std::string engine_text(const DoctorReport& report, const Style& style)
{
    const EngineReport& engine = *report.engine;
    const Probed& used = report.candidates[*report.used];
    const engine::EngineInfo& info = engine.info;
    const std::string version = one_line(info.server_version, 100);
    std::string text = style.success(fmt::format("{} {}", to_string(engine.traits.kind), version));
    text += " at " + used.url() + "\n";
    text += row("chosen", report.reason);
    text += row("API", api_text(engine));
    text +=
        row("runs",
            fmt::format(
                "{}{}",
                engine::is_rootless(info) ? "without root" : "as root",
                engine::remaps_users(info) ? ", with user ids mapped" : ""
            ));
    const std::string platform = joined({info.os_type, engine.architecture}, "/");
    const std::string kernel =
        info.kernel_version.empty() ? std::string() : "kernel " + info.kernel_version;
    text += row("system", joined({platform, info.operating_system, kernel}, ", "));
    std::string storage = info.storage_driver;
    if (!info.root_directory.empty()) storage += " in " + info.root_directory;
    if (engine::uses_containerd_store(info)) storage += " (images in containerd)";
    text += row("storage", storage);
    if (!info.cgroup_version.empty()) {
        text += row("cgroups", "v" + info.cgroup_version + ", driver " + info.cgroup_driver);
    }
    text += row("connection", security_text(engine.security));
    for (const core::DirectorySight& directory : engine.directories) {
        std::string value = directory.directory.string() + ": " + sight_text(directory.sight);
        if (directory.sight == FileSight::unknown && !directory.detail.empty()) {
            value += " (" + one_line(directory.detail, 200) + ")";
        }
        text += row("sees our files", value);
    }
    if (engine.sandboxes) {
        const bool agent = *engine.sandboxes != core::Road::exec;
        text +=
            row("sandboxes",
                "reached by " + std::string(core::name(*engine.sandboxes))
                    + (agent ? "" : ", without slipway's agent"));
    }
    for (const std::string& image : engine.without_agent) {
        text += row("by exec", one_line(image, 200));
    }
    for (const std::string& problem : engine.problems) {
        text += row("not known", problem);
    }
    for (const std::string& warning : info.warnings) {
        text += row("it warns", one_line(warning, 200));
    }
    return text;
}

std::string candidate_text(const Probed& probed, bool used, const Style& style)
{
    std::string state(to_string(probed.state));
    std::replace(state.begin(), state.end(), '_', ' ');
    std::string word = fmt::format("{:<14}", used ? "used" : state);
    if (used) {
        word = style.success(word);
    } else if (probed.state != ProbeState::answered && probed.state != ProbeState::absent) {
        word = style.warning(word);
    }
    std::string text = "  " + word + " " + place_of(probed);
    if (!probed.url().empty()) text += style.faint("  (" + probed.candidate.source + ")");
    text += "\n";
    const std::string indent(17, ' ');
    const bool plain_absence =
        probed.state == ProbeState::absent && !probed.candidate.explicit_choice;
    if (!used && !plain_absence && !probed.detail.empty()) {
        text += indent + one_line(probed.detail, 300) + "\n";
    }
    return text;
}

void write_texts(JsonText& json, std::string_view name, const std::vector<std::string>& texts)
{
    json.key(name).begin_array();
    for (const std::string& text : texts) {
        json.text(text);
    }
    json.end_array();
}

void write_directories(JsonText& json, const EngineReport& engine)
{
    bool all_seen = !engine.directories.empty();
    bool all_known = !engine.directories.empty();
    for (const core::DirectorySight& directory : engine.directories) {
        all_seen = all_seen && directory.sight == FileSight::seen;
        all_known = all_known && directory.sight != FileSight::unknown;
    }
    json.key("sees_files");
    if (all_known) {
        json.boolean(all_seen);
    } else {
        json.null();
    }
    json.key("directories").begin_array();
    for (const core::DirectorySight& directory : engine.directories) {
        json.begin_object();
        json.text("path", directory.directory.string());
        json.text("sight", to_string(directory.sight));
        json.text("detail", directory.detail);
        json.end_object();
    }
    json.end_array();
}

void write_sandboxes(JsonText& json, const EngineReport& engine)
{
    json.key("sandboxes");
    if (engine.sandboxes) {
        json.text(core::name(*engine.sandboxes));
    } else {
        json.null();
    }
    write_texts(json, "without_agent", engine.without_agent);
}

void write_engine(JsonText& json, const DoctorReport& report)
{
    const EngineReport& engine = *report.engine;
    const Probed& used = report.candidates[*report.used];
    const engine::EngineInfo& info = engine.info;
    json.begin_object();
    json.text("url", used.url());
    json.text("source", used.candidate.source);
    json.text("kind", to_string(engine.traits.kind));
    json.text("server_version", info.server_version);
    json.text("api", to_string(engine.traits.api));
    json.text("api_newest", to_string(engine.traits.engine_api));
    json.boolean("rootless", engine::is_rootless(info));
    json.text("os", info.os_type);
    json.text("architecture", engine.architecture);
    json.text("operating_system", info.operating_system);
    json.text("kernel", info.kernel_version);
    json.text("storage_driver", info.storage_driver);
    json.text("root_directory", info.root_directory);
    json.text("cgroup_version", info.cgroup_version);
    json.text("cgroup_driver", info.cgroup_driver);
    json.number("cpus", info.cpus);
    json.number("memory_bytes", info.memory_bytes);
    json.boolean("maps_users", engine::remaps_users(info));
    json.boolean("containerd_store", engine::uses_containerd_store(info));
    json.text("security", to_string(engine.security));
    write_texts(json, "warnings", info.warnings);
    write_texts(json, "problems", engine.problems);
    write_directories(json, engine);
    write_sandboxes(json, engine);
    json.end_object();
}

void write_candidate(JsonText& json, const Probed& probed, bool used)
{
    json.begin_object();
    json.text("url", probed.url());
    json.text("source", probed.candidate.source);
    json.boolean("explicit", probed.candidate.explicit_choice);
    json.text("state", to_string(probed.state));
    json.text("detail", probed.detail);
    json.text("hint", probed.hint);
    json.boolean("used", used);
    if (probed.traits) {
        json.text("kind", to_string(probed.traits->kind));
        json.text("server", probed.traits->server);
        json.text("api", to_string(probed.traits->engine_api));
    } else {
        for (const std::string_view name : {"kind", "server", "api"}) {
            json.key(name).null();
        }
    }
    json.end_object();
}

} // namespace

std::string doctor_text(const DoctorReport& report, const Style& style)
{
    std::string text;
    if (report.engine) {
        text += engine_text(report, style);
    } else {
        text += style.error("No engine can be used") + ": " + report.reason + "\n";
    }
    text += "\n" + style.bold("Looked for") + "\n";
    for (std::size_t i = 0; i < report.candidates.size(); ++i) {
        text += candidate_text(report.candidates[i], report.used == i, style);
    }
    if (!report.advice.empty()) {
        text += "\n" + style.bold("What to do") + "\n";
        for (const std::string& advice : report.advice) {
            text += "  - " + advice + "\n";
        }
    }
    return text;
}

std::string doctor_json(const DoctorReport& report)
{
    JsonText json;
    json.begin_object();
    json.boolean("usable", report.used.has_value());
    json.text("reason", report.reason);
    write_texts(json, "advice", report.advice);
    json.key("engine");
    if (report.engine) {
        write_engine(json, report);
    } else {
        json.null();
    }
    json.key("candidates").begin_array();
    for (std::size_t i = 0; i < report.candidates.size(); ++i) {
        write_candidate(json, report.candidates[i], report.used == i);
    }
    json.end_array();
    json.end_object();
    return json.take();
}

} // namespace slipway::cli
