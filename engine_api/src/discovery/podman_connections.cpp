#include "discovery/podman_connections.hpp"

#include "discovery/config_file.hpp"
#include "discovery/text.hpp"
#include "discovery/tls.hpp"

#include <map>
#include <tuple>

namespace slipway::engine::discovery {

struct PodmanConnection {
    std::string uri;
    std::string identity;
    std::string cert;
    std::string key;
    std::string ca;
    bool is_machine = false;
};
struct Connections {
    std::string default_name;
    std::map<std::string, PodmanConnection> by_name;
};
struct ConnectionsFile {
    Connections connection;
};

} // namespace slipway::engine::discovery

namespace slipway::json {

template <>
struct Fields<engine::discovery::PodmanConnection> {
    using T = engine::discovery::PodmanConnection;
    static constexpr auto list = std::tuple{
        required("URI", &T::uri),
        optional("Identity", &T::identity),
        optional("TLSCert", &T::cert),
        optional("TLSKey", &T::key),
        optional("TLSCA", &T::ca),
        optional("IsMachine", &T::is_machine)};
};
template <>
struct Fields<engine::discovery::Connections> {
    using T = engine::discovery::Connections;
    static constexpr auto list =
        std::tuple{optional("Default", &T::default_name), optional("Connections", &T::by_name)};
};
template <>
struct Fields<engine::discovery::ConnectionsFile> {
    using T = engine::discovery::ConnectionsFile;
    static constexpr auto list = std::tuple{optional("Connection", &T::connection)};
};

} // namespace slipway::json

namespace slipway::engine::discovery {
namespace {

std::filesystem::path connections_file(const Environment& environment)
{
    const std::string_view named = environment.get("PODMAN_CONNECTIONS_CONF");
    if (!named.empty()) return named;
    const std::filesystem::path config = user_config_directory(environment);
    if (config.empty()) return {};
    return config / "containers" / "podman-connections.json";
}

Result<Connections> read_connections(const std::filesystem::path& file)
{
    if (file.empty()) return Connections{};
    TRY(auto read, read_json<ConnectionsFile>(file));
    return read ? std::move(read->connection) : Connections{};
}

tl::unexpected<Error> no_such_connection(
    const std::string& name, const Connections& connections, const std::filesystem::path& file
)
{
    std::vector<std::string> names;
    for (const auto& [known, connection] : connections.by_name) {
        names.push_back(known);
    }
    Error error(
        Errc::not_found,
        "there is no podman connection " + quote(name) + " in " + file.string() + "; "
            + (names.empty() ? "there are none" : "there are: " + join(names))
    );
    error.hint = "add it with `podman system connection add`, or name an engine with --host "
                 "(connections in containers.conf are not read)";
    return fail(std::move(error));
}

Result<Endpoint> endpoint_of(const PodmanConnection& connection)
{
    TlsSettings files;
    files.ca = connection.ca;
    files.cert = connection.cert;
    files.key = connection.key;
    return podman_endpoint(connection.uri, std::move(files), connection.identity);
}

} // namespace

Result<Candidate> named_connection(const Environment& environment, const std::string& name)
{
    const std::filesystem::path file = connections_file(environment);
    TRY(const Connections connections, read_connections(file));
    const auto found = connections.by_name.find(name);
    if (found == connections.by_name.end()) return no_such_connection(name, connections, file);
    Candidate candidate;
    candidate.source = "podman connection " + quote(name) + " (CONTAINER_CONNECTION)";
    candidate.explicit_choice = true;
    TRY(candidate.endpoint, during(endpoint_of(found->second), "reading " + file.string()));
    return candidate;
}

Result<std::optional<Candidate>> default_connection(const Environment& environment)
{
    const std::filesystem::path file = connections_file(environment);
    TRY(const Connections connections, read_connections(file));
    const std::string& name = connections.default_name;
    if (name.empty()) return std::optional<Candidate>{};
    const auto found = connections.by_name.find(name);
    if (found == connections.by_name.end()) return no_such_connection(name, connections, file);

    Candidate candidate;
    candidate.source = "podman connection " + quote(name) + " (default in " + file.string() + ")";
    Result<Endpoint> endpoint = endpoint_of(found->second);
    if (endpoint) {
        const bool by_ssh = endpoint->scheme == Endpoint::Scheme::ssh;
        if (by_ssh && found->second.is_machine) return std::optional<Candidate>{};
        candidate.endpoint = *std::move(endpoint);
    } else if (endpoint.error().code != Errc::unsupported) {
        return fail(during(std::move(endpoint), "reading " + file.string()).error());
    } else {
        candidate.unusable = std::move(endpoint).error();
    }
    return std::optional<Candidate>(std::move(candidate));
}

} // namespace slipway::engine::discovery
