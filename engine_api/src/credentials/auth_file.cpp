#include "credentials/auth_file.hpp"

#include "base64.hpp"
#include "discovery/config_file.hpp"
#include "discovery/contexts.hpp"
#include "json.hpp"
#include "one_line.hpp"

namespace slipway {

using engine::credentials::AuthEntry;
using engine::credentials::AuthFile;

template <>
struct json::Fields<AuthEntry> {
    static constexpr auto list = std::tuple{
        json::optional("auth", &AuthEntry::auth),
        json::optional("username", &AuthEntry::username),
        json::optional("password", &AuthEntry::password),
        json::optional("identitytoken", &AuthEntry::identity_token),
        json::optional("registrytoken", &AuthEntry::registry_token)};
};
template <>
struct json::Fields<AuthFile> {
    static constexpr auto list = std::tuple{
        json::optional("auths", &AuthFile::auths),
        json::optional("credsStore", &AuthFile::creds_store),
        json::optional("credHelpers", &AuthFile::cred_helpers)};
};

namespace engine::credentials {

namespace {

Store file_store(std::filesystem::path file, KeyPath path)
{
    Store store;
    store.name = file.string();
    store.file = std::move(file);
    store.key_path = path;
    return store;
}

/// The value whose key fits best; of equals the first.
template <class T>
const std::pair<const std::string, T>*
best(const std::map<std::string, T>& by_key, const Place& place, KeyPath path)
{
    const std::pair<const std::string, T>* found = nullptr;
    std::size_t rank = 0;
    for (const auto& row : by_key) {
        const auto fits = fit(row.first, place, path);
        if (!fits || (found != nullptr && *fits <= rank)) continue;
        found = &row;
        rank = *fits;
    }
    return found;
}

/// "user:password", as docker takes it: padded with NULs by some.
bool split(std::string_view text, RegistryAuth& into)
{
    const auto colon = text.find(':');
    if (colon == 0 || colon == std::string_view::npos) return false;
    into.username = text.substr(0, colon);
    std::string_view password = text.substr(colon + 1);
    while (password.ends_with('\0')) {
        password.remove_suffix(1);
    }
    into.password = password;
    return true;
}

} // namespace

std::vector<Store> stores(const Environment& environment)
{
    std::vector<Store> all;
    if (const auto text = environment.get("DOCKER_AUTH_CONFIG"); !text.empty()) {
        Store store;
        store.name = "DOCKER_AUTH_CONFIG";
        store.text = text;
        store.key_path = KeyPath::of_url;
        all.push_back(std::move(store));
    }
    const std::string_view named = environment.get("REGISTRY_AUTH_FILE");
    if (!named.empty()) all.push_back(file_store(named, KeyPath::of_images));
    if (const auto docker = discovery::docker_config_directory(environment); !docker.empty()) {
        all.push_back(file_store(docker / "config.json", KeyPath::of_url));
    }
    if (!named.empty()) return all;
    std::filesystem::path runtime = environment.directory("XDG_RUNTIME_DIR") / "containers";
    if (!runtime.is_absolute()) {
        runtime = std::filesystem::path("/run/containers") / std::to_string(environment.uid);
    }
    all.push_back(file_store(runtime / "auth.json", KeyPath::of_images));
    const std::filesystem::path config = discovery::user_config_directory(environment);
    if (!config.empty()) {
        all.push_back(file_store(config / "containers" / "auth.json", KeyPath::of_images));
    }
    return all;
}

Result<std::optional<AuthFile>> read_store(const Store& store)
{
    if (!store.file.empty()) return discovery::read_json<AuthFile>(store.file);
    auto said = json::decode<AuthFile>(store.text);
    if (!said) {
        const std::string text = discovery::about_file(store.name, said.error().message);
        return fail(Errc::invalid_argument, text);
    }
    said->creds_store.clear();
    said->cred_helpers.clear();
    return std::optional<AuthFile>(*std::move(said));
}

std::optional<NamedHelper> helper_for(const AuthFile& file, const Place& place, KeyPath path)
{
    const auto* const own = best(file.cred_helpers, place, path);
    if (own != nullptr && !own->second.empty()) return NamedHelper{own->second, "credHelpers"};
    if (!file.creds_store.empty()) return NamedHelper{file.creds_store, "credsStore"};
    return std::nullopt;
}

Result<std::optional<RegistryAuth>>
entry_for(const AuthFile& file, const Place& place, KeyPath path)
{
    const auto* const row = best(file.auths, place, path);
    if (row == nullptr) return std::optional<RegistryAuth>{};
    const AuthEntry& entry = row->second;
    RegistryAuth auth;
    auth.username = entry.username;
    auth.password = entry.password;
    auth.identity_token = entry.identity_token;
    auth.registry_token = entry.registry_token;
    auth.server_address = docker_key(place.registry);
    if (!entry.auth.empty()) {
        const auto text = from_base64(discovery::trim(entry.auth));
        if (!text || !split(*text, auth)) {
            return fail(
                Errc::invalid_argument,
                "$.auths." + one_line(row->first, 200) + ".auth is not the base64 of user:password"
            );
        }
    }
    const bool nobody =
        auth.username.empty() && auth.identity_token.empty() && auth.registry_token.empty();
    if (nobody) return std::optional<RegistryAuth>{};
    return std::optional<RegistryAuth>(std::move(auth));
}

} // namespace engine::credentials

} // namespace slipway
