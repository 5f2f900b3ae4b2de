#include "discovery/contexts.hpp"
#include "discovery/default_sockets.hpp"
#include "discovery/podman_connections.hpp"
#include "discovery/text.hpp"
#include "discovery/tls.hpp"

#include <slipway/engine/discovery.hpp>

#include <set>

namespace slipway::engine {
namespace {

using namespace discovery;

// The candidate of an explicit choice; an error is told who named the endpoint.
Result<Candidate> chosen(Result<Endpoint> endpoint, const std::string& source)
{
    TRY(Endpoint value, during(std::move(endpoint), "finding the engine of " + source));
    Candidate candidate;
    candidate.endpoint = std::move(value);
    candidate.source = source;
    candidate.explicit_choice = true;
    return candidate;
}

// The docker context that is in force: its name, and who chose it.
struct ChosenContext {
    std::string name;
    std::string by;
};
Result<ChosenContext> chosen_context(const Environment& environment)
{
    ChosenContext out{std::string(environment.get("DOCKER_CONTEXT")), "DOCKER_CONTEXT"};
    if (!out.name.empty()) return out;
    TRY(out.name, current_context(environment));
    out.by = "currentContext in " + (docker_config_directory(environment) / "config.json").string();
    return out;
}

// The explicit choice of the user, or nothing. `by` becomes who makes it, before that is read.
Result<std::optional<Candidate>> explicit_choice(
    const Environment& environment, const std::optional<std::string>& host_option, std::string& by
)
{
    using Choice = std::optional<Candidate>;
    if (host_option) {
        by = "--host";
        TRY(Candidate out, chosen(docker_endpoint(environment, *host_option), by));
        return Choice(std::move(out));
    }
    if (const std::string_view url = environment.get("DOCKER_HOST"); !url.empty()) {
        by = "DOCKER_HOST";
        TRY(Candidate out, chosen(docker_endpoint(environment, url), by));
        return Choice(std::move(out));
    }
    by = "docker's configuration";
    TRY(const ChosenContext context, chosen_context(environment));
    if (!context.name.empty() && context.name != "default") { // "default" is never on disk
        by = "context " + quote(context.name) + " (" + context.by + ")";
        TRY(Candidate out, chosen(context_endpoint(environment, context.name), by));
        return Choice(std::move(out));
    }
    if (const std::string_view url = environment.get("CONTAINER_HOST"); !url.empty()) {
        TlsSettings files;
        files.ca = environment.get("CONTAINER_TLS_CA");
        files.cert = environment.get("CONTAINER_TLS_CERT");
        files.key = environment.get("CONTAINER_TLS_KEY");
        auto endpoint = podman_endpoint(url, std::move(files), environment.get("CONTAINER_SSHKEY"));
        by = "CONTAINER_HOST";
        TRY(Candidate out, chosen(std::move(endpoint), by));
        return Choice(std::move(out));
    }
    if (const std::string_view name = environment.get("CONTAINER_CONNECTION"); !name.empty()) {
        by = "CONTAINER_CONNECTION";
        TRY(Candidate out,
            during(named_connection(environment, std::string(name)), "finding the engine of " + by)
        );
        return Choice(std::move(out));
    }
    return Choice{};
}

// As `candidates`; `by` becomes who made the choice that could not be understood.
Result<std::vector<Candidate>> all_candidates(
    const Environment& environment, const std::optional<std::string>& host_option, std::string& by
)
{
    TRY(std::optional<Candidate> choice, explicit_choice(environment, host_option, by));
    std::vector<Candidate> out;
    if (choice) {
        choice->start_hint = start_hint(environment, choice->endpoint);
        out.push_back(*std::move(choice));
        return out;
    }

    by = "podman's connections";
    TRY(std::optional<Candidate> podman, default_connection(environment));
    if (podman) {
        if (!podman->unusable) podman->start_hint = start_hint(environment, podman->endpoint);
        out.push_back(*std::move(podman));
    }
    std::set<std::string> listed;
    if (!out.empty() && !out.front().unusable) listed.insert(identity(out.front().endpoint));
    for (Candidate& row : default_sockets(environment)) {
        if (listed.insert(identity(row.endpoint)).second) out.push_back(std::move(row));
    }
    return out;
}

} // namespace

Result<std::vector<Candidate>>
candidates(const Environment& environment, const std::optional<std::string>& host_option)
{
    std::string by;
    return all_candidates(environment, host_option, by);
}

std::vector<Candidate>
explained_candidates(const Environment& environment, const std::optional<std::string>& host_option)
{
    Candidate mistaken;
    auto found = all_candidates(environment, host_option, mistaken.source);
    if (found) return *std::move(found);
    mistaken.explicit_choice = true;
    mistaken.unusable = std::move(found).error();
    return {std::move(mistaken)};
}

} // namespace slipway::engine
