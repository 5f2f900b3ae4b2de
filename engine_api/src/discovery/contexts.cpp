#include "discovery/contexts.hpp"

#include "discovery/config_file.hpp"
#include "discovery/text.hpp"
#include "discovery/tls.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

namespace slipway::engine::discovery {

struct DockerConfig {
    std::string current_context;
};
struct ContextEndpoint {
    std::string host;
    bool skip_tls_verify = false;
};
struct ContextEndpoints {
    ContextEndpoint docker;
};
struct ContextMeta {
    std::string name;
    ContextEndpoints endpoints;
};

} // namespace slipway::engine::discovery

namespace slipway::json {

template <>
struct Fields<engine::discovery::DockerConfig> {
    using T = engine::discovery::DockerConfig;
    static constexpr auto list = std::tuple{optional("currentContext", &T::current_context)};
};
template <>
struct Fields<engine::discovery::ContextEndpoint> {
    using T = engine::discovery::ContextEndpoint;
    static constexpr auto list =
        std::tuple{required("Host", &T::host), optional("SkipTLSVerify", &T::skip_tls_verify)};
};
template <>
struct Fields<engine::discovery::ContextEndpoints> {
    using T = engine::discovery::ContextEndpoints;
    static constexpr auto list = std::tuple{required("docker", &T::docker)};
};
template <>
struct Fields<engine::discovery::ContextMeta> {
    using T = engine::discovery::ContextMeta;
    static constexpr auto list =
        std::tuple{optional("Name", &T::name), required("Endpoints", &T::endpoints)};
};

} // namespace slipway::json

namespace slipway::engine::discovery {
namespace {

std::string sha256_hex(std::string_view text)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
    std::string out;
    for (unsigned i = 0; i < size; ++i) {
        out += digits[digest[i] >> 4];
        out += digits[digest[i] & 15];
    }
    return out;
}

// The names docker itself allows.
bool is_context_name(std::string_view name)
{
    return !name.empty() && is_alphanumeric(name.front())
           && std::all_of(name.begin(), name.end(), [](char c) {
                  return is_alphanumeric(c)
                         || std::string_view("_.+-").find(c) != std::string_view::npos;
              });
}

// A context whose file cannot be read is no choice to offer, so it is left out.
std::vector<std::string> context_names(const std::filesystem::path& meta_directory)
{
    std::vector<std::string> names;
    std::error_code error;
    std::filesystem::directory_iterator entry(meta_directory, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const auto meta = read_json<ContextMeta>(entry->path() / "meta.json");
        if (meta && *meta && !(*meta)->name.empty()) names.push_back((*meta)->name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

tl::unexpected<Error>
no_such_context(const std::string& name, const std::filesystem::path& meta_directory)
{
    const std::vector<std::string> names = context_names(meta_directory);
    Error error(
        Errc::not_found,
        "there is no docker context " + quote(name) + " in " + meta_directory.string() + "; "
            + (names.empty() ? "there are none but 'default'" : "there are: default, " + join(names)
            )
    );
    error.hint = "choose one of them with DOCKER_CONTEXT or `docker context use`, "
                 "or name an engine with --host";
    return fail(std::move(error));
}

} // namespace

std::filesystem::path docker_config_directory(const Environment& environment)
{
    const std::string_view named = environment.get("DOCKER_CONFIG");
    if (!named.empty()) return named;
    return environment.home.empty() ? std::filesystem::path{} : environment.home / ".docker";
}

Result<std::string> current_context(const Environment& environment)
{
    const std::filesystem::path directory = docker_config_directory(environment);
    if (directory.empty()) return std::string{};
    TRY(auto config, read_json<DockerConfig>(directory / "config.json"));
    return config ? std::move(config->current_context) : std::string{};
}

Result<Endpoint> context_endpoint(const Environment& environment, const std::string& name)
{
    if (!is_context_name(name)) {
        Error error(Errc::invalid_argument, quote(name) + " is not the name of a docker context");
        error.hint = "a name has letters, digits, '_', '.', '+' and '-', and starts with a letter "
                     "or digit";
        return fail(std::move(error));
    }
    const std::filesystem::path contexts = docker_config_directory(environment) / "contexts";
    const std::string directory = sha256_hex(name);
    const std::filesystem::path file = contexts / "meta" / directory / "meta.json";
    TRY(const auto meta, read_json<ContextMeta>(file));
    if (!meta) return no_such_context(name, contexts / "meta");

    const ContextEndpoint& docker = meta->endpoints.docker;
    TRY(Endpoint plain, during(parse_endpoint(docker.host), "reading " + file.string()));
    if (plain.scheme != Endpoint::Scheme::tcp) return plain;
    TRY(auto tls, tls_from_directory(contexts / "tls" / directory / "docker"));
    if (docker.skip_tls_verify) {
        if (!tls) tls.emplace();
        tls->verify = false;
    }
    if (!tls) return plain;
    return parse_endpoint(docker.host, std::move(tls));
}

} // namespace slipway::engine::discovery
