#include "error_reply.hpp"

#include "json.hpp"
#include "one_line.hpp"
#include "secrets.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace slipway {

namespace {

/// docker: {"message"}; podman: {"cause", "message", "response"}, {"message"} alone, or, for a push
/// since 5, {"errorDetail", "error"}.
struct Said {
    std::string message;
    std::string cause;
    std::string error;
};

} // namespace

template <>
struct json::Fields<Said> {
    static constexpr auto list = std::tuple{
        json::optional("message", &Said::message),
        json::optional("cause", &Said::cause),
        json::optional("error", &Said::error)};
};

namespace engine {

namespace {

constexpr std::size_t max_body_bytes = std::size_t{1} << 20;

Said said_in(std::string_view body)
{
    body = body.substr(0, max_body_bytes);
    const auto first = body.find_first_not_of(" \t\r\n");
    // A proxy may send anything under any content type, so the text itself decides.
    if (first != std::string_view::npos && body[first] == '{') {
        if (auto said = json::decode<Said>(std::string(body))) {
            if (said->message.empty()) said->message = said->error;
            return *std::move(said);
        }
    }
    return {std::string(body), {}, {}};
}

Errc code_of(int status)
{
    switch (status) {
    case 400:
        return Errc::invalid_argument;
    case 401:
    case 403:
        return Errc::unauthorized;
    case 404:
        return Errc::not_found;
    case 405:
        return Errc::unsupported;
    case 409:
        return Errc::conflict;
    case 501:
        return Errc::unsupported;
    default:
        break;
    }
    if (status < 400) return Errc::protocol;
    return status < 500 ? Errc::invalid_argument : Errc::engine;
}

/// Podman answers 500 for what docker has a status for. Its `cause`, which docker does not send, is
/// the text of a fixed error value of its sources and more reliable than the sentence in `message`.
/// Seen on 4.3.
Errc code_of_cause(std::string_view cause)
{
    using Row = std::pair<std::string_view, Errc>;
    static constexpr auto causes = std::to_array<Row>({
        {"top can only be used on running containers", Errc::conflict},     // 5
        {"UNIQUE constraint failed: ContainerConfig.Name", Errc::conflict}, // 5, rename
        {"container is stopped", Errc::conflict},                           // 5, stats
        {"container state improper", Errc::conflict}, // kill or exec when stopped, remove when not
        {"exec session state improper", Errc::conflict}, // second start
        {"that name is already in use", Errc::conflict},
        {"volume already exists", Errc::conflict},
        {"volume is being used", Errc::conflict},
        {"network already exists", Errc::conflict},
        {"network is being used", Errc::conflict},
        {"network is already connected", Errc::conflict},
        {"image is in use by a container", Errc::conflict},
        {"no such container", Errc::not_found},
        {"no such exec session", Errc::not_found},
        {"no such volume", Errc::not_found},
        {"image not known", Errc::not_found},
        {"layer not known", Errc::not_found}, // changes of a container that is not there
        {"network not found", Errc::not_found},
        {"invalid argument", Errc::invalid_argument}, // exec without a command
        {"invalid reference format", Errc::invalid_argument},
        {"normalizing name for compat API: repository name must be lowercase",
         Errc::invalid_argument},
        {"normalizing name for compat API: invalid reference format", Errc::invalid_argument},
        // dockerd says 400 to a start whose command cannot be run
        {"OCI runtime attempted to invoke a command that was not found", Errc::invalid_argument},
        {"OCI permission denied", Errc::invalid_argument},
        {"this container does not have a cgroup", Errc::unsupported}, // pause, rootless with v1
    });
    const auto* const row = std::ranges::find(causes, cause, &Row::first);
    return row == causes.end() ? Errc::engine : row->second;
}

/// The route itself is unknown, not the object: docker says so in JSON, podman in plain text.
bool is_unrouted(const Response& reply, std::string_view message)
{
    return reply.status == 404
           && (message == "page not found" || (message == "Not Found" && reply.body[0] != '{'));
}

/// Podman has routes for services and the like that do nothing but say so, with status 503.
bool is_no_service(std::string_view cause)
{
    return cause.starts_with("Podman does not support service");
}

} // namespace

Error error_from(
    const Response& reply, std::string_view method, std::string_view route, EngineKind kind
)
{
    const Said said = said_in(reply.body);
    std::string message = one_line(without_passwords(said.message));
    Errc code = code_of(reply.status);
    if (reply.status == 500) code = code_of_cause(said.cause);
    if (is_unrouted(reply, message) || is_no_service(said.cause)) code = Errc::unsupported;
    if (message.empty() || code == Errc::unsupported) {
        const std::string bare = "HTTP " + std::to_string(reply.status) + " from "
                                 + std::string(method) + " " + std::string(route);
        message = message.empty() ? bare : bare + ": " + message;
    }
    Error error(code, std::move(message));
    error.answer = EngineAnswer{
        reply.status, std::string(method), std::string(route), std::string(to_string(kind))};
    return error;
}

} // namespace engine

} // namespace slipway
