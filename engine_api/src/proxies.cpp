#include "discovery/config_file.hpp"
#include "discovery/contexts.hpp"
#include "json.hpp"

#include <slipway/engine/proxies.hpp>

#include <algorithm>
#include <array>

namespace slipway {

namespace engine {

namespace {

struct ProxyFile {
    Proxies proxies;
};

} // namespace

} // namespace engine

template <>
struct json::Fields<engine::ProxySettings> {
    using T = engine::ProxySettings;
    static constexpr auto list = std::tuple{
        json::optional("httpProxy", &T::http),
        json::optional("httpsProxy", &T::https),
        json::optional("ftpProxy", &T::ftp),
        json::optional("allProxy", &T::all),
        json::optional("noProxy", &T::none)};
};
template <>
struct json::Fields<engine::ProxyFile> {
    static constexpr auto list = std::tuple{json::optional("proxies", &engine::ProxyFile::proxies)};
};

namespace engine {

namespace {

using Member = std::string ProxySettings::*;
constexpr std::array<std::pair<const char*, Member>, 5> proxy_names{{
    {"HTTP_PROXY", &ProxySettings::http},
    {"HTTPS_PROXY", &ProxySettings::https},
    {"FTP_PROXY", &ProxySettings::ftp},
    {"ALL_PROXY", &ProxySettings::all},
    {"NO_PROXY", &ProxySettings::none},
}};

/// A client that was told no socket on the host has written the one it found into its endpoint, so
/// only a key that has a path asks for it. A key cannot say how ssh logs in.
bool names_by_ssh(const Endpoint& named, const Endpoint& endpoint)
{
    return endpoint.scheme == Endpoint::Scheme::ssh && named.ssh.user == endpoint.ssh.user
           && named.host == endpoint.host && named.port == endpoint.port
           && (named.socket_path.empty() || named.socket_path == endpoint.socket_path);
}

/// The key names the endpoint, whatever TLS it is spoken to with.
bool names(const std::string& key, const Endpoint& endpoint)
{
    auto named = parse_endpoint(key);
    // Where the URL has no port, TLS decides on it.
    if (named && named->scheme == Endpoint::Scheme::tcp && endpoint.tls) {
        named = parse_endpoint(key, endpoint.tls);
    }
    if (!named) return false;
    if (named->scheme == Endpoint::Scheme::ssh) return names_by_ssh(*named, endpoint);
    named->tls = endpoint.tls;
    return *named == endpoint;
}

/// The entry of the endpoint, else the default, else null.
const ProxySettings* settings_for(const Endpoint& endpoint, const Proxies& proxies)
{
    // Of two keys that name a host, the one with a socket sorts last, and says more.
    for (auto row = proxies.rbegin(); row != proxies.rend(); ++row) {
        if (row->first != "default" && names(row->first, endpoint)) return &row->second;
    }
    const auto entry = proxies.find("default");
    return entry == proxies.end() ? nullptr : &entry->second;
}

/// Adds each variable whose name `has` does not know in either case.
template <class Has, class Add>
void add_missing(const std::map<std::string, std::string>& variables, Has has, Add add)
{
    // All are asked for before one is added, or the first case of a name would bar the second.
    std::vector<const std::pair<const std::string, std::string>*> wanted;
    for (const auto& variable : variables) {
        const std::string lower = discovery::to_lower(variable.first);
        if (!has(lower)) wanted.push_back(&variable);
    }
    for (const auto* variable : wanted) {
        add(variable->first, variable->second);
    }
}

} // namespace

Result<Proxies> read_proxies(const Environment& environment)
{
    const std::filesystem::path directory = discovery::docker_config_directory(environment);
    if (directory.empty()) return Proxies{};
    TRY(auto file, discovery::read_json<ProxyFile>(directory / "config.json"));
    return file ? std::move(file->proxies) : Proxies{};
}

std::map<std::string, std::string> proxy_variables(const Proxies& proxies, const Endpoint& endpoint)
{
    std::map<std::string, std::string> variables;
    const ProxySettings* const settings = settings_for(endpoint, proxies);
    if (settings == nullptr) return variables;
    for (const auto& [name, member] : proxy_names) {
        const std::string& value = settings->*member;
        if (value.empty()) continue;
        variables.emplace(name, value);
        variables.emplace(discovery::to_lower(name), value);
    }
    return variables;
}

void add_proxies(std::vector<std::string>& env, const std::map<std::string, std::string>& variables)
{
    const auto has = [&](const std::string& lower) {
        return std::ranges::any_of(env, [&](const std::string& one) {
            return discovery::to_lower(one.substr(0, one.find('='))) == lower;
        });
    };
    add_missing(variables, has, [&](const std::string& name, const std::string& value) {
        env.push_back(name + "=" + value);
    });
}

void add_proxies(
    std::map<std::string, std::optional<std::string>>& build_args,
    const std::map<std::string, std::string>& variables
)
{
    const auto has = [&](const std::string& lower) {
        return std::ranges::any_of(build_args, [&](const auto& one) {
            return discovery::to_lower(one.first) == lower;
        });
    };
    add_missing(variables, has, [&](const std::string& name, const std::string& value) {
        build_args.emplace(name, value);
    });
}

} // namespace engine

} // namespace slipway
