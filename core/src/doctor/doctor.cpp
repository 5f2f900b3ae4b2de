#include "doctor/file_sight.hpp"
#include "interrupted.hpp"
#include "sandbox/pool/agent_volume.hpp"
#include "sandbox/pool/directory.hpp"
#include "sandbox/pool/no_agent.hpp"
#include "sandbox/pool/road.hpp"

#include <slipway/core/doctor.hpp>
#include <slipway/engine/child.hpp>

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <memory>

namespace slipway::core {

namespace asio = boost::asio;
using engine::Child;
using engine::Probed;
using engine::ProbeState;

std::string_view to_string(FileSight sight) noexcept
{
    switch (sight) {
    case FileSight::seen:
        return "seen";
    case FileSight::not_seen:
        return "not_seen";
    case FileSight::unknown:
        return "unknown";
    }
    return "unknown";
}

std::string_view to_string(Security security) noexcept
{
    switch (security) {
    case Security::local_socket:
        return "local_socket";
    case Security::plain_tcp:
        return "plain_tcp";
    case Security::tls:
        return "tls";
    case Security::tls_unverified:
        return "tls_unverified";
    case Security::ssh:
        return "ssh";
    }
    return "local_socket";
}

namespace {

Task<engine::Traits>
ask_traits(asio::any_io_executor executor, engine::Endpoint endpoint, engine::ClientOptions options)
{
    CO_TRY(
        const engine::Client client,
        co_await engine::Client::connect(executor, std::move(endpoint), std::move(options))
    );
    CO_CHECK(engine::check_spoken(client.traits()));
    co_return client.traits();
}

/// Docker says what the kernel says, podman what Go says.
std::string go_architecture(const std::string& name)
{
    static const std::map<std::string, std::string, std::less<>> go_names{
        {"x86_64", "amd64"},
        {"aarch64", "arm64"},
        {"armv7l", "arm"},
        {"armv6l", "arm"},
        {"i686", "386"},
    };
    const auto known = go_names.find(name);
    return known == go_names.end() ? name : known->second;
}

Security security_of(const engine::Endpoint& endpoint)
{
    if (endpoint.scheme == engine::Endpoint::Scheme::unix_socket) return Security::local_socket;
    if (endpoint.scheme == engine::Endpoint::Scheme::ssh) return Security::ssh;
    if (!endpoint.tls) return Security::plain_tcp;
    return endpoint.tls->verify ? Security::tls : Security::tls_unverified;
}

/// What the questions that are asked at the same time bring back.
struct Answers {
    Result<engine::EngineInfo> info = fail(Errc::cancelled, "not asked");
    std::vector<DirectorySight> directories;
};

Task<> ask_info(engine::Client client, std::shared_ptr<Answers> answers)
{
    answers->info = co_await engine::System(client.transport()).info();
    co_return ok();
}

Task<> ask_files(
    engine::Client client,
    std::vector<std::filesystem::path> directories,
    std::shared_ptr<Answers> answers
)
{
    CO_TRY(answers->directories, co_await look_at_files(client, std::move(directories)));
    co_return ok();
}

/// Waits for the end of what must not be stopped half-way, whatever happens to the caller.
Task<> wait_to_the_end(Child& child)
{
    while (child.running()) {
        co_await child.wait();
    }
    co_return co_await child.wait();
}

// Tried with the others, and no part of the report: where the sockets of sandboxes are.
std::optional<DirectorySight> take_last(std::vector<DirectorySight>& directories, bool tried)
{
    if (!tried || directories.empty()) return std::nullopt;
    DirectorySight last = std::move(directories.back());
    directories.pop_back();
    return last;
}

Task<EngineReport>
examine(engine::Client client, std::vector<std::filesystem::path> directories, bool agent)
{
    const auto executor = co_await asio::this_coro::executor;
    const auto answers = std::make_shared<Answers>();
    const auto sockets = pool::base_directory("");
    if (sockets) directories.push_back(*sockets);
    Child files(executor, ask_files(client, std::move(directories), answers));
    Child info(executor, ask_info(client, answers));
    co_await info.join();
    co_await wait_to_the_end(files);

    if (co_await is_interrupted()) co_return fail(Errc::cancelled, "cancelled");
    EngineReport report;
    report.traits = client.traits();
    report.security = security_of(client.endpoint());
    const auto tried = take_last(answers->directories, sockets.has_value());
    report.directories = std::move(answers->directories);
    if (sockets && agent) report.without_agent = pool::all_without_agent(client, *sockets);
    if (answers->info) {
        report.info = *answers->info;
        report.architecture = go_architecture(report.info.architecture);
        auto sight = FileSight::unknown;
        if (tried) {
            sight = pool::seen_from_inside(tried->sight, report.info);
            pool::remember_road(client, *sockets, sight);
        }
        report.sandboxes = agent && pool::agent_for(report.architecture) != nullptr
                               ? pool::road_where(client, sight)
                               : Road::exec;
    } else {
        report.problems.push_back("its settings: " + describe(answers->info.error()));
    }
    co_return report;
}

std::string reason_for(const DoctorReport& report)
{
    if (report.candidates.empty()) return "there is no place to look for an engine";
    if (!report.used) {
        const engine::Candidate& first = report.candidates.front().candidate;
        if (!first.explicit_choice) return "no engine answers";
        const std::string what = first.unusable
                                     ? "what " + first.source + " says cannot be used"
                                     : "the engine that " + first.source + " names does not answer";
        return what + ", and nothing else is tried in its place";
    }
    const Probed& used = report.candidates[*report.used];
    if (used.candidate.explicit_choice) return "named by " + used.candidate.source;
    const auto answering =
        std::count_if(report.candidates.begin(), report.candidates.end(), [](const Probed& one) {
            return one.state == ProbeState::answered;
        });
    return answering > 1 ? "the first that answers; --host URL names another"
                         : "the one that answers";
}

/// Something of the engine that belongs there is on this machine.
bool plausible(const Probed& one)
{
    if (one.state != ProbeState::absent || one.candidate.explicit_choice) return true;
    std::error_code failed;
    const std::filesystem::path socket(one.candidate.endpoint.socket_path);
    return std::filesystem::exists(socket.parent_path(), failed);
}

/// What to do when nothing answered: the hints of the rows, those nearest to success first.
std::vector<std::string> advice_of(const std::vector<Probed>& candidates)
{
    static constexpr std::array order{
        ProbeState::no_permission,
        ProbeState::tls_failure,
        ProbeState::timed_out,
        ProbeState::failed,
        ProbeState::not_an_engine,
        ProbeState::refused,
        ProbeState::absent,
    };
    std::vector<std::string> advice;
    for (const ProbeState state : order) {
        for (const Probed& one : candidates) {
            const bool known = std::find(advice.begin(), advice.end(), one.hint) != advice.end();
            const bool helps = one.state == state && !one.hint.empty() && plausible(one);
            if (helps && !known) advice.push_back(one.hint);
        }
    }
    if (candidates.empty() || !candidates.front().candidate.explicit_choice) {
        advice.emplace_back(
            "or install podman or docker, or name an engine on another machine with --host URL"
        );
    }
    return advice;
}

} // namespace

Task<DoctorReport> diagnose(DoctorQuestion question)
{
    const auto executor = co_await asio::this_coro::executor;
    std::vector<engine::Candidate> places =
        engine::explained_candidates(question.environment, question.host_option);
    const engine::ClientOptions options = question.client;
    const engine::Ping ping = [executor, options](engine::Endpoint endpoint) {
        return ask_traits(executor, std::move(endpoint), options);
    };
    DoctorReport report;
    CO_TRY(report.candidates, co_await engine::ask(std::move(places), ping, question.timeout));
    const auto used =
        std::find_if(report.candidates.begin(), report.candidates.end(), [](const Probed& one) {
            return one.state == ProbeState::answered;
        });
    if (used == report.candidates.end()) {
        report.advice = advice_of(report.candidates);
        report.reason = reason_for(report);
        co_return report;
    }
    report.used = static_cast<std::size_t>(used - report.candidates.begin());
    report.reason = reason_for(report);
    CO_TRY(
        const engine::Client client,
        co_await engine::Client::connect(executor, used->candidate.endpoint, options)
    );
    CO_TRY(report.engine, co_await examine(client, question.directories, question.agent));
    co_return report;
}

} // namespace slipway::core
