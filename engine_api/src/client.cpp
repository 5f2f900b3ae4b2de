#include "discovery/text.hpp"
#include "error_reply.hpp"
#include "http/custom_headers.hpp"
#include "http/http_transport.hpp"
#include "net/ssh_tunnel.hpp"
#include "one_line.hpp"
#include "secrets.hpp"

#include <slipway/engine/client.hpp>

#include <algorithm>
#include <charconv>

namespace slipway::engine {

std::string to_string(ApiVersion version)
{
    return std::to_string(version.major) + "." + std::to_string(version.minor);
}

Result<ApiVersion> parse_api_version(std::string_view text)
{
    ApiVersion version;
    const char* end = text.data() + text.size();
    const auto major = std::from_chars(text.data(), end, version.major);
    if (major.ec == std::errc() && major.ptr != end && *major.ptr == '.') {
        const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
        if (minor.ec == std::errc() && minor.ptr == end && version.major >= 0
            && version.minor >= 0) {
            return version;
        }
    }
    return fail(
        Errc::invalid_argument, "'" + one_line(text, 100) + "' is no API version such as 1.41"
    );
}

Result<> check_api_version(ApiVersion version)
{
    if (version >= oldest_api && version <= newest_api) return ok();
    const std::string range = to_string(oldest_api) + " to " + to_string(newest_api);
    Error error(
        Errc::invalid_argument, "API " + to_string(version) + " is not among those spoken: " + range
    );
    error.hint = "name a version from " + range + ", or none, and the best one is negotiated";
    return fail(std::move(error));
}

std::string_view to_string(EngineKind kind) noexcept
{
    return kind == EngineKind::podman ? "podman" : "docker";
}

namespace {

constexpr ApiVersion device_requests_api{1, 40};
constexpr ApiVersion stop_signal_api{1, 42};
constexpr ApiVersion several_networks_api{1, 44};
constexpr ApiVersion volume_prune_spares_named_api{1, 42};
// What changed with the engine and not with the version that is spoken to it.
constexpr ApiVersion zstd_engine{1, 42};           // 23.0
constexpr ApiVersion missing_is_127_engine{1, 48}; // 28.0; 26.1 gives 126

constexpr ApiVersion buildkit_api{1, 39};
/// dockerd 23.0, the first with a BuildKit of 2022. Seen on 20.10 and on 26.1 and 28.5.
constexpr ApiVersion newer_buildkit_api{1, 42};

/// What BuildKit can goes with the engine, and only whether it can be asked for with the API in
/// use.
Traits traits_of_docker(ApiVersion api, ApiVersion engine_api, std::string_view os)
{
    Traits traits;
    if (api < device_requests_api) traits.device_drivers = DeviceDrivers::none;
    traits.can_stop_with_signal = api >= stop_signal_api;
    traits.can_create_in_networks = api >= several_networks_api;
    traits.volume_prune_spares_named = api >= volume_prune_spares_named_api;
    traits.can_buildkit = api >= buildkit_api && os != "windows";
    traits.buildkit_has_limits = engine_api >= newer_buildkit_api;
    traits.buildkit_has_heredocs = engine_api >= newer_buildkit_api;
    traits.buildkit_minds_platform = engine_api >= newer_buildkit_api;
    traits.second_exec_start_is_output = true;
    traits.put_archive_takes_zstd = engine_api >= zstd_engine;
    traits.missing_exec_command_is_126 = engine_api < missing_is_127_engine;
    return traits;
}

/// "4.3.1" as numbers that compare.
ApiVersion major_and_minor(std::string_view version)
{
    ApiVersion out;
    const char* const end = version.data() + version.size();
    const auto major = std::from_chars(version.data(), end, out.major);
    if (major.ptr != end && *major.ptr == '.') std::from_chars(major.ptr + 1, end, out.minor);
    return out;
}

// Each difference was seen on podman 4.3, and seen or read in the source of 5.8; the versions in
// between are from podman's history.
Traits traits_of_podman(std::string_view version_text)
{
    const ApiVersion version = major_and_minor(version_text);
    Traits traits;
    traits.kind = EngineKind::podman;
    traits.put_archive_makes_directories = true;
    traits.reports_exit_code_before_exec_ends = true;
    traits.auto_remove_hides_exit_code = version.major < 5;
    traits.missing_bind_source_is_created = true;
    traits.build_extra_hosts_is_json = true;
    traits.build_ulimits_are_text = true;
    traits.build_survives_disconnect = true;
    traits.pull_ends_with_a_layer = true;
    traits.events_have_libpod_names = true;
    traits.past_events_need_an_open_end = true;
    traits.network_remove_by_id_ignores_use = true;
    // Podman 6 has mended it, and is harmed by nothing that is done about it.
    traits.volume_filters_are_alternatives = true;
    traits.prune_tagged = version >= ApiVersion{4, 8} ? PruneTagged::alone : PruneTagged::refused;
    traits.device_drivers = version >= ApiVersion{5, 4} ? DeviceDrivers::cdi : DeviceDrivers::none;
    traits.can_create_in_networks = version.major >= 4;
    traits.can_stop_with_signal = false;
    traits.can_log_details = false;
    traits.can_build_remote = false;
    traits.can_update_containers = version >= ApiVersion{5, 1};
    traits.forced_removal_stops_first = version.major >= 5;
    traits.can_prune_build_cache = false;
    traits.can_inspect_distribution = false;
    traits.can_swarm = false;
    traits.ignores_api_version = true;
    traits.wrong_input_is_a_failure = true;
    traits.wait_for_created_may_give_minus_one = true;
    traits.half_close_keeps_output = true;
    traits.unread_stdin_may_reset = true;
    traits.follow_may_lose_the_end = true;
    traits.stdin_ends_with_client = true;
    traits.put_archive_clamps_parents = true;
    traits.get_archive_loses_owners = true;
    traits.build_checks_in_stream = true;
    traits.build_applies_ignore_file = true;
    traits.can_squash = true;
    traits.commit_adds_variables = true;
    traits.import_ignores_tag = version.major < 5;
    traits.push_digest_is_local = true;
    traits.info_id_changes = true;
    // Its service closes a keep-alive connection after 10 s, and itself after 5 s without any.
    traits.idle_limit = std::chrono::milliseconds(2'000);
    return traits;
}

tl::unexpected<Error> no_engine(const Response& pong)
{
    constexpr std::size_t most = 200;
    const std::string_view body = pong.body;
    const std::string said = one_line(body.substr(0, body.find_first_of("\r\n")), most);
    Error error(
        Errc::protocol,
        "what answers there is no container engine (HTTP " + std::to_string(pong.status)
            + (said.empty() ? ")" : "): " + said)
    );
    if (pong.body.find("HTTPS server") != std::string::npos) { // Go's words
        error.hint = "it wants TLS: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH";
    }
    return fail(std::move(error));
}

bool is_engine(const Response& pong)
{
    return pong.status == 200 && !pong.headers.get("Api-Version").empty();
}

Result<Traits> traits_from(const Response& pong, std::optional<ApiVersion> forced)
{
    if (!is_engine(pong)) {
        return no_engine(pong);
    }
    auto engine_api = parse_api_version(pong.headers.get("Api-Version"));
    if (!engine_api) {
        return fail(Errc::protocol, "the engine's Api-Version: " + engine_api.error().message);
    }
    const bool podman = pong.headers.has("Libpod-API-Version");
    const ApiVersion api = forced.value_or(std::min(newest_api, *engine_api));
    Traits traits = podman ? traits_of_podman(pong.headers.get("Libpod-API-Version"))
                           : traits_of_docker(api, *engine_api, pong.headers.get("Ostype"));
    traits.engine_api = *engine_api;
    traits.api = api;
    traits.os = one_line(pong.headers.get("Ostype"), 100);
    traits.server = one_line(pong.headers.get("Server"), 200);
    traits.builder_version = pong.headers.get("Builder-Version") == "2" ? 2 : 1;
    if (traits.engine_api < oldest_api) {
        Error error(
            Errc::unsupported,
            "the engine speaks API " + to_string(traits.engine_api) + ", Slipway needs "
                + to_string(oldest_api) + " or newer"
        );
        error.hint = "update the engine";
        return fail(std::move(error));
    }
    return traits;
}

Task<Response> ping(HttpTransport& transport, std::string method, std::chrono::milliseconds limit)
{
    // Enough of what is no engine to say what it is.
    constexpr std::size_t most_bytes = 4096;
    Request request(std::move(method), "/_ping");
    Deadlines deadlines;
    deadlines.header = deadlines.idle = limit;
    deadlines.total = 2 * limit; // connecting may take the limit, and the answer as well
    request.unversioned().deadlines(deadlines).answer_cut(most_bytes);
    return transport.send(std::move(request));
}

// The sockets of engines that run as root, on the host of an ssh endpoint that names none.
const std::vector<std::string> rootful_sockets{"/var/run/docker.sock", "/run/podman/podman.sock"};

// Those of the user who logs in. His number is asked for, as sshd expands no names in a path.
Task<std::vector<std::string>> rootless_sockets(Endpoint endpoint, std::chrono::milliseconds limit)
{
    CO_TRY(std::string id, co_await run_by_ssh(std::move(endpoint), "id -u", limit));
    while (id.ends_with('\n') || id.ends_with('\r')) {
        id.pop_back();
    }
    if (id.empty() || id.find_first_not_of("0123456789") != std::string::npos) {
        co_return fail(Errc::protocol, "`id -u` on the host says no number");
    }
    const std::string directory = "/run/user/" + id;
    co_return std::vector<std::string>{
        directory + "/docker.sock", directory + "/podman/podman.sock"};
}

} // namespace

Task<Client> Client::connect_by_ssh(
    boost::asio::any_io_executor executor, Endpoint endpoint, ClientOptions options
)
{
    std::vector<std::string> sockets = rootful_sockets;
    std::vector<std::string> tried;
    for (const bool rootless : {false, true}) {
        if (rootless) {
            const auto limit = options.connect_deadline;
            auto found = co_await rootless_sockets(endpoint, limit);
            if (!found && found.error().code == Errc::cancelled) co_return fail(found.error());
            if (!found) break; // a host that runs no commands for us
            sockets = *std::move(found);
        }
        const auto tunnel = std::make_shared<SshTunnel>(endpoint, sockets);
        for (const std::string& socket : sockets) {
            endpoint.socket_path = socket;
            auto client = co_await connect_through(executor, endpoint, options, tunnel);
            if (client || !tunnel->socket_was_refused()) co_return client;
            tried.push_back(socket);
        }
    }
    endpoint.socket_path.clear();
    Error error(
        Errc::unreachable,
        "none of the usual sockets there can be connected to: " + discovery::join(tried)
    );
    error.hint = "start the engine on the host, let the user who logs in use its socket (group "
                 "docker), or name another one: "
                 + to_string(endpoint)
                 + "/path/to/socket; the host's sshd must allow it (AllowStreamLocalForwarding)";
    error.context.push_back("asking " + to_string(endpoint));
    co_return fail(std::move(error));
}

Task<Client>
Client::connect(boost::asio::any_io_executor executor, Endpoint endpoint, ClientOptions options)
{
    if (endpoint.scheme == Endpoint::Scheme::ssh && endpoint.socket_path.empty()) {
        return connect_by_ssh(std::move(executor), std::move(endpoint), std::move(options));
    }
    return connect_through(std::move(executor), std::move(endpoint), std::move(options), nullptr);
}

Task<Client> Client::connect_through(
    boost::asio::any_io_executor executor,
    Endpoint endpoint,
    ClientOptions options,
    std::shared_ptr<SshTunnel> tunnel
)
{
    const auto limit = options.connect_deadline;
    const auto forced = options.api;
    if (forced) {
        CO_CHECK(check_api_version(*forced));
    }
    CO_TRY(options.headers, custom_headers(options.headers));
    auto transport =
        std::make_shared<HttpTransport>(executor, endpoint, std::move(options), std::move(tunnel));
    const std::string doing = "asking " + to_string(endpoint);
    CO_TRY(Response pong, during(co_await ping(*transport, "HEAD", limit), doing));
    if (!is_engine(pong)) { // some proxies let only GET through; and its body says more
        CO_TRY(pong, during(co_await ping(*transport, "GET", limit), doing));
    }
    auto traits = during(traits_from(pong, forced), doing);
    if (!traits) co_return fail(hide(std::move(traits).error(), transport->secrets()));
    transport->use(*std::move(traits));
    Client client;
    client.transport_ = std::move(transport);
    client.endpoint_ = std::move(endpoint);
    co_return client;
}

Task<Client> Client::connect(boost::asio::any_io_executor executor, Endpoint endpoint)
{
    return connect(std::move(executor), std::move(endpoint), ClientOptions());
}

} // namespace slipway::engine
