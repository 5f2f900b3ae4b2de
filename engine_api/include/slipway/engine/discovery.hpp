#pragma once

#include <slipway/engine/endpoint.hpp>
#include <slipway/engine/result.hpp>
#include <slipway/engine/traits.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Finding an engine takes two steps. `candidates` reads the environment and configuration files
// and says where an engine may be; `ask` finds out who answers. `discover` does both.
namespace slipway::engine {

/// What discovery and the search for credentials read of a process. A copy: later changes of the
/// process do not show.
struct Environment {
    std::map<std::string, std::string, std::less<>> variables;
    std::filesystem::path home; ///< empty when the user has none
    std::uint32_t uid = 0;

    /// The variables that they know (no others), the home (HOME, else the user database)
    /// and the effective user of this process.
    static Environment from_process();

    /// The value of a variable; empty when it is not set.
    std::string_view get(std::string_view name) const;
    /// The value as a directory; empty unless it is an absolute path, as XDG asks for.
    std::filesystem::path directory(std::string_view name) const;
};

/// A place where an engine may listen.
struct Candidate {
    Endpoint endpoint;
    std::string source; ///< who named it: "--host", "DOCKER_HOST", "default socket (docker)", ...
    /// Named by the user: it stands alone, and no other engine replaces it when it is silent.
    bool explicit_choice = false;
    std::string start_hint; ///< how the engine that belongs there is started; may be empty
    /// Set for a place that is named but cannot be spoken to (npipe, a URL that is none);
    /// `endpoint` is unset.
    std::optional<Error> unusable;
};

/// Where an engine may be, the first choice first. Reads files, connects nowhere.
///
/// The order: `host_option` (--host), DOCKER_HOST, the context in DOCKER_CONTEXT, currentContext of
/// config.json, CONTAINER_HOST, CONTAINER_CONNECTION, podman's default connection, the default
/// sockets of docker, podman and the virtual machines that carry them. An explicit choice ends the
/// list. A place that two names lead to is listed once. Configuration that a choice further up
/// hides is not read, so an error in it does no harm.
///
/// DOCKER_TLS_VERIFY and DOCKER_CERT_PATH hold for TCP endpoints of --host and DOCKER_HOST; a
/// context and a podman connection bring their own TLS files.
///
/// Errors: invalid_argument (URL, name or file that cannot be understood: the message names file
///   and place; TLS files without verification), not_found (no such context or connection: the
///   message lists those there are), unsupported (see parse_endpoint), permission_denied and io
///   (a file cannot be read).
Result<std::vector<Candidate>>
candidates(const Environment& environment, const std::optional<std::string>& host_option);

/// As `candidates`, for an explanation: what would be its error is the one candidate, an explicit
/// choice that is `unusable`, with who made the choice as its source.
std::vector<Candidate>
explained_candidates(const Environment& environment, const std::optional<std::string>& host_option);

/// What asking one candidate gave.
enum class ProbeState {
    answered,      ///< an engine
    absent,        ///< there is no such socket
    refused,       ///< nobody listens
    no_permission, ///< the operating system keeps us out
    timed_out,     ///< connected or not, but no answer in time
    not_an_engine, ///< something else answers, or the file is no socket
    tls_failure,   ///< no secure connection: certificates, or TLS on one side only
    failed,        ///< anything else: unknown host, no route, an engine that fails
};
/// The name as a machine reads it: "no_permission".
std::string_view to_string(ProbeState state) noexcept;

/// One row of an explanation of what was looked for.
struct Probed {
    Candidate candidate;
    ProbeState state = ProbeState::absent;
    std::optional<Traits> traits; ///< set when and only when `state` is answered
    std::string detail;           ///< one line for a person: "nobody listens on the socket"
    std::string hint;             ///< what the user can do; empty for answered
    std::optional<Error> error;   ///< what the ping gave, when there was one and it failed

    /// The endpoint's URL; empty for a candidate that is unusable, whose detail has it.
    std::string url() const;
};

/// Asks an endpoint who it is: negotiation by `/_ping`. What it captures must live until its tasks
/// end; one that ignores cancellation may end after `ask` has returned.
using Ping = std::function<Task<Traits>(Endpoint)>;

/// Long enough for a podman service that systemd starts on the first connection.
inline constexpr std::chrono::milliseconds default_ping_timeout{10'000};

/// Asks every candidate at the same time and waits for all of them, for `timeout` in all, or three
/// times that where one of them is reached by ssh, which may have to log in so often. The rows
/// stand in the order of the candidates. A socket file that is absent, or no socket, is not
/// connected to.
///
/// Errors: cancelled.
Task<std::vector<Probed>>
ask(std::vector<Candidate> candidates,
    Ping ping,
    std::chrono::milliseconds timeout = default_ping_timeout);

/// The engine that is used.
struct Found {
    Candidate candidate;
    Traits traits;
    std::vector<Probed> passed_over; ///< those before it in the order, which did not answer
};

/// The first candidate in order that answers; ends as soon as that is known.
///
/// Errors: those of `candidates`; permission_denied (a socket is there, but not for this user),
///   invalid_argument (an explicit choice names TLS files that cannot be used), unreachable
///   (anything else); the message lists what was met and the hint says what to do; cancelled.
Task<Found> discover(
    Environment environment,
    std::optional<std::string> host_option,
    Ping ping,
    std::chrono::milliseconds timeout = default_ping_timeout
);

/// Whether the engine speaks the version in use, which can be newer only when it was forced: every
/// call would be refused. Errors: unsupported.
Result<> check_spoken(const Traits& traits);

} // namespace slipway::engine
