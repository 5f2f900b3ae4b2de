#include "discovery/probing.hpp"

#include "discovery/text.hpp"
#include "net/socket_owner.hpp"

#include <slipway/engine/duration.hpp>

#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace slipway::engine {

std::string_view to_string(ProbeState state) noexcept
{
    switch (state) {
    case ProbeState::answered:
        return "answered";
    case ProbeState::absent:
        return "absent";
    case ProbeState::refused:
        return "refused";
    case ProbeState::no_permission:
        return "no_permission";
    case ProbeState::timed_out:
        return "timed_out";
    case ProbeState::not_an_engine:
        return "not_an_engine";
    case ProbeState::tls_failure:
        return "tls_failure";
    case ProbeState::failed:
        return "failed";
    }
    return "failed";
}

std::string Probed::url() const
{
    return candidate.unusable ? std::string{} : to_string(candidate.endpoint);
}

Result<> check_spoken(const Traits& traits)
{
    if (traits.api <= traits.engine_api || traits.ignores_api_version) return ok();
    const std::string newest = to_string(traits.engine_api);
    Error error(
        Errc::unsupported,
        "API " + to_string(traits.api) + " was asked for, and the engine speaks " + newest
            + " at most"
    );
    error.hint = "set DOCKER_API_VERSION to " + newest
                 + " or less, or leave it unset, and the best version is negotiated";
    return fail(std::move(error));
}

} // namespace slipway::engine

namespace slipway::engine::discovery {
namespace {

bool is_socket(const Endpoint& endpoint)
{
    return endpoint.scheme == Endpoint::Scheme::unix_socket;
}

bool is_any(const std::error_code& code, std::initializer_list<std::errc> values)
{
    for (const std::errc value : values) {
        if (code == value) return true;
    }
    return false;
}

std::string start_or_name_another(const Candidate& candidate)
{
    if (!candidate.start_hint.empty()) return candidate.start_hint;
    return "start the engine that listens there, or name another one with --host";
}

std::string tls_hint(const Candidate& candidate)
{
    const TlsSettings& tls = *candidate.endpoint.tls;
    return "check that "
           + (tls.ca.empty() ? "the system's certificate authorities" : tls.ca.string())
           + " vouch for the engine's certificate, that the certificate names "
           + (tls.server_name.empty() ? candidate.endpoint.host : tls.server_name)
           + (tls.cert.empty() ? ", and that the engine asks for no client certificate"
                               : ", and that the engine trusts " + tls.cert.string())
           + "; an engine without TLS is named with tcp:// and no DOCKER_TLS_VERIFY";
}

std::string hint_for(const Candidate& candidate, ProbeState state)
{
    const Endpoint& endpoint = candidate.endpoint;
    switch (state) {
    case ProbeState::answered:
        return {};
    case ProbeState::absent:
    case ProbeState::refused:
        return start_or_name_another(candidate);
    case ProbeState::no_permission:
        return permission_hint(
            is_socket(endpoint) ? socket_owner(endpoint.socket_path) : std::nullopt
        );
    case ProbeState::timed_out:
        return is_socket(endpoint) ? "something holds the socket without answering: look at the "
                                     "engine's log and restart it"
                                   : "check the host, the port and any firewall between";
    case ProbeState::not_an_engine:
        return is_socket(endpoint) || endpoint.tls
                   ? "name the engine's own address with --host"
                   : "name the engine's own address with --host; where it wants TLS, set "
                     "DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to the directory of ca.pem, "
                     "cert.pem and key.pem";
    case ProbeState::tls_failure:
        return tls_hint(candidate);
    case ProbeState::failed:
        return "name another engine with --host";
    }
    return {};
}

// The message with what was being done, less what only repeats the URL.
std::string failure_text(const Endpoint& endpoint, const Error& error)
{
    std::string out = error.message;
    for (const std::string& doing : error.context) {
        if (doing.find(to_string(endpoint)) != std::string::npos) break;
        out.insert(0, doing + ": ");
    }
    return out;
}

std::string detail_for(const Endpoint& endpoint, ProbeState state, const Error& error)
{
    switch (state) {
    case ProbeState::absent:
        return "there is no such socket";
    case ProbeState::refused:
        return is_socket(endpoint) ? "the socket is there, but nobody listens on it"
                                   : "connection refused: nobody listens on the port";
    case ProbeState::no_permission:
        return "permission denied";
    default:
        return failure_text(endpoint, error);
    }
}

Probed row(Candidate candidate, ProbeState state, std::string detail)
{
    Probed out;
    out.state = state;
    out.detail = std::move(detail);
    out.hint = hint_for(candidate, state);
    out.candidate = std::move(candidate);
    return out;
}

} // namespace

ProbeState classify(const Endpoint& endpoint, const Error& error)
{
    const std::error_code& cause = error.cause;
    if (cause == std::errc::connection_refused) return ProbeState::refused;
    if (is_any(cause, {std::errc::permission_denied, std::errc::operation_not_permitted})) {
        return ProbeState::no_permission;
    }
    if (is_socket(endpoint) && is_any(cause, {std::errc::no_such_file_or_directory})) {
        return ProbeState::absent;
    }
    if (cause == std::errc::timed_out) return ProbeState::timed_out;
    // TLS fails above the operating system, which then has no code to give.
    if (endpoint.tls && !cause && !error.answer
        && (error.code == Errc::unreachable || error.code == Errc::io
            || error.code == Errc::invalid_argument)) {
        return ProbeState::tls_failure;
    }
    switch (error.code) {
    case Errc::permission_denied:
        return ProbeState::no_permission;
    case Errc::timed_out:
        return ProbeState::timed_out;
    case Errc::protocol:
    case Errc::truncated:
    case Errc::not_found:
    case Errc::invalid_argument:
        return ProbeState::not_an_engine;
    default:
        return ProbeState::failed;
    }
}

Probed answered(Candidate candidate, Traits traits)
{
    Probed out;
    out.state = ProbeState::answered;
    out.detail = std::string(to_string(traits.kind)) + ", API " + to_string(traits.api);
    out.traits = std::move(traits);
    out.candidate = std::move(candidate);
    return out;
}

Probed failed_ping(Candidate candidate, Error error)
{
    const ProbeState state = classify(candidate.endpoint, error);
    std::string detail = detail_for(candidate.endpoint, state, error);
    Probed out = row(std::move(candidate), state, std::move(detail));
    // Of a socket's file more is known here; of anything else, more in the layer that failed.
    const bool of_file = state == ProbeState::absent || state == ProbeState::refused
                         || state == ProbeState::no_permission;
    if (!of_file && !error.hint.empty()) out.hint = error.hint;
    out.error = std::move(error);
    return out;
}

Probed timed_out(Candidate candidate, std::chrono::milliseconds timeout)
{
    return row(
        std::move(candidate), ProbeState::timed_out, "no answer within " + duration_text(timeout)
    );
}

std::optional<Probed> without_asking(const Candidate& candidate)
{
    if (candidate.unusable) {
        Probed out;
        out.state = ProbeState::failed;
        out.detail = describe(*candidate.unusable);
        out.hint = candidate.unusable->hint;
        if (out.hint.empty()) out.hint = hint_for(candidate, out.state);
        out.error = candidate.unusable;
        out.candidate = candidate;
        return out;
    }
    const std::string& path = candidate.endpoint.socket_path;
    if (!is_socket(candidate.endpoint) || path.starts_with('\0')) return {};
    struct stat about {};
    if (::stat(path.c_str(), &about) == 0) {
        if (S_ISSOCK(about.st_mode)) return {};
        return row(candidate, ProbeState::not_an_engine, "the file is no socket");
    }
    const std::error_code cause(errno, std::generic_category());
    if (is_any(cause, {std::errc::no_such_file_or_directory, std::errc::not_a_directory})) {
        return row(candidate, ProbeState::absent, "there is no such socket");
    }
    if (cause == std::errc::permission_denied) {
        return row(candidate, ProbeState::no_permission, "its directory cannot be entered");
    }
    return row(candidate, ProbeState::failed, "cannot look at the file: " + cause.message());
}

Error nobody_answered(const std::vector<Probed>& rows)
{
    std::vector<std::string> met;
    const Probed* telling = nullptr; // the row whose hint helps most: the engine that is nearest
    for (const Probed& row : rows) {
        if (row.state == ProbeState::absent && !row.candidate.explicit_choice) continue;
        const std::string url = row.url();
        met.push_back(
            (url.empty() ? "" : url + " ") + "(" + row.candidate.source + "): " + row.detail
        );
        const bool better = telling == nullptr
                            || (row.state == ProbeState::no_permission
                                && telling->state != ProbeState::no_permission);
        if (better) telling = &row;
    }
    if (telling == nullptr) {
        Error error(
            Errc::unreachable,
            "no container engine was found: none of the " + std::to_string(rows.size())
                + " default sockets is there"
        );
        error.hint = "start an engine (docker: `sudo systemctl start docker`; podman: `systemctl "
                     "--user start podman.socket`), or name one with --host";
        return error;
    }
    if (telling->candidate.explicit_choice && telling->error
        && telling->error->code == Errc::invalid_argument && !telling->error->answer) {
        // Nobody could be asked: a file that the choice names is not what it should be.
        Error error = *telling->error;
        error.context.push_back("finding the engine of " + telling->candidate.source);
        return error;
    }
    const bool denied = telling->state == ProbeState::no_permission;
    Error error(
        denied ? Errc::permission_denied : Errc::unreachable,
        "no container engine answers: " + join(met, "; ")
    );
    error.hint = telling->hint;
    if (telling->error) error.cause = telling->error->cause;
    return error;
}

} // namespace slipway::engine::discovery
