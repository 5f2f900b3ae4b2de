#include "doctor_report.hpp"

#include <doctest/doctest.h>
#include <rapidjson/document.h>

using namespace slipway;
using engine::ProbeState;

namespace {

engine::Probed probed(std::string socket, ProbeState state)
{
    engine::Probed one;
    one.candidate.endpoint.socket_path = std::move(socket);
    one.candidate.source = "default socket (docker)";
    one.state = state;
    one.detail = "what happened there";
    one.hint = "what to do there";
    if (state == ProbeState::answered) one.traits.emplace();
    return one;
}

core::DoctorReport usable()
{
    core::DoctorReport report;
    report.candidates.push_back(probed("/run/absent.sock", ProbeState::absent));
    report.candidates.push_back(probed("/run/used.sock", ProbeState::answered));
    report.used = 1;
    report.reason = "the one that answers";
    core::EngineReport& engine = report.engine.emplace();
    engine.traits.api = {1, 41};
    engine.traits.engine_api = {1, 41};
    engine.info.server_version = "20.10.24";
    engine.info.storage_driver = "overlay2\xFF\"";
    core::DirectorySight seen;
    seen.directory = "/run";
    seen.sight = core::FileSight::seen;
    engine.directories.push_back(seen);
    return report;
}

rapidjson::Document read(const std::string& text)
{
    rapidjson::Document document;
    document.Parse<rapidjson::kParseValidateEncodingFlag>(text.data(), text.size());
    REQUIRE(!document.HasParseError());
    return document;
}

} // namespace

TEST_SUITE("cli.doctor_report")
{
    TEST_CASE("JSON of a usable engine")
    {
        core::DoctorReport report = usable();
        const auto json = read(cli::doctor_json(report));
        CHECK(json["usable"].GetBool());
        CHECK(json["engine"]["url"] == "unix:///run/used.sock");
        CHECK(json["engine"]["sees_files"].GetBool());
        CHECK(json["candidates"].Size() == 2);
        CHECK(json["candidates"][0]["kind"].IsNull());
        CHECK(!json["candidates"][0]["used"].GetBool());
        CHECK(json["candidates"][1]["kind"] == "docker");
        CHECK(json["candidates"][1]["used"].GetBool());
    }

    TEST_CASE("sees_files is true for all, false for not all, null when not known")
    {
        core::DoctorReport report = usable();
        core::DirectorySight other;
        other.directory = "/work";
        other.sight = core::FileSight::not_seen;
        report.engine->directories.push_back(other);
        CHECK(read(cli::doctor_json(report))["engine"]["sees_files"].IsFalse());
        report.engine->directories.back().sight = core::FileSight::unknown;
        CHECK(read(cli::doctor_json(report))["engine"]["sees_files"].IsNull());
        report.engine->directories.clear();
        CHECK(read(cli::doctor_json(report))["engine"]["sees_files"].IsNull());
    }

    TEST_CASE("JSON without an engine")
    {
        core::DoctorReport report;
        report.candidates.push_back(probed("/run/closed.sock", ProbeState::no_permission));
        report.advice.push_back("what to do there");
        const auto json = read(cli::doctor_json(report));
        CHECK(!json["usable"].GetBool());
        CHECK(json["engine"].IsNull());
        CHECK(json["advice"][0] == "what to do there");
        CHECK(json["candidates"][0]["state"] == "no_permission");
    }

    TEST_CASE("the text without colours")
    {
        const std::string text = cli::doctor_text(usable(), cli::Style(false));
        CHECK(text.find("docker 20.10.24 at unix:///run/used.sock\n") == 0);
        CHECK(text.find("sees our files   /run: yes\n") != std::string::npos);
        CHECK(text.find("used           unix:///run/used.sock") != std::string::npos);
        CHECK(text.find("absent         unix:///run/absent.sock") != std::string::npos);
        CHECK(text.find('\x1b') == std::string::npos);
        CHECK(cli::doctor_text(usable(), cli::Style(true)).find('\x1b') != std::string::npos);
    }

    TEST_CASE("what the engine says about itself moves no cursor")
    {
        const std::string odd = "a\x1b[2Jb\nc";
        core::DoctorReport report = usable();
        engine::EngineInfo& info = report.engine->info;
        for (std::string* const text :
             {&info.server_version,
              &info.operating_system,
              &info.kernel_version,
              &info.storage_driver,
              &info.root_directory,
              &info.cgroup_version,
              &info.cgroup_driver}) {
            *text = odd;
        }
        info.warnings.push_back(odd);
        report.engine->problems.push_back(odd);
        const std::string text = cli::doctor_text(report, cli::Style(false));
        CHECK(text.find('\x1b') == std::string::npos);
        CHECK(text.find("docker ab c at unix:///run/used.sock\n") == 0);
        CHECK(text.find("system           ab c, kernel ab c\n") != std::string::npos);
    }

    TEST_CASE("images whose sandboxes have no agent, and why")
    {
        core::DoctorReport report = usable();
        report.engine->sandboxes = core::Road::socket;
        CHECK(read(cli::doctor_json(report))["engine"]["without_agent"].Empty());
        report.engine->without_agent.emplace_back("busybox: permission denied");
        const auto json = read(cli::doctor_json(report));
        CHECK(json["engine"]["without_agent"][0] == "busybox: permission denied");
        const std::string text = cli::doctor_text(report, cli::Style(false));
        CHECK(text.find("sandboxes        reached by socket\n") != std::string::npos);
        CHECK(text.find("by exec          busybox: permission denied\n") != std::string::npos);
    }

    TEST_CASE("the text says what to do when no engine can be used")
    {
        core::DoctorReport report;
        report.candidates.push_back(probed("/run/closed.sock", ProbeState::no_permission));
        report.reason = "no engine answers";
        report.advice.push_back("join the group");
        const std::string text = cli::doctor_text(report, cli::Style(false));
        CHECK(text.find("No engine can be used: no engine answers\n") == 0);
        CHECK(text.find("no permission  unix:///run/closed.sock") != std::string::npos);
        CHECK(text.find("What to do\n  - join the group\n") != std::string::npos);
    }
}
