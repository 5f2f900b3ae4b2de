#pragma once

#include "credentials/registry_name.hpp"

#include <slipway/engine/auth.hpp>
#include <slipway/engine/discovery.hpp>
#include <slipway/engine/result.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::engine::credentials {

struct AuthEntry {
    std::string auth; ///< base64 of "user:password"
    std::string username;
    std::string password;
    std::string identity_token;
    std::string registry_token;
};

/// What docker's config.json and podman's auth.json say about registries.
struct AuthFile {
    std::map<std::string, AuthEntry> auths;
    std::string creds_store;
    std::map<std::string, std::string> cred_helpers;
};

/// A place that may have credentials.
struct Store {
    std::string name;           ///< as people know it: the path, or "DOCKER_AUTH_CONFIG"
    std::filesystem::path file; ///< empty: the text is in `text`
    std::string text;
    KeyPath key_path = KeyPath::of_images;
};

/// The places in their order; see find_credentials.
std::vector<Store> stores(const Environment& environment);

/// Nothing when there is no such file. Errors: invalid_argument (the message names the store and
/// the place in it), permission_denied, io.
Result<std::optional<AuthFile>> read_store(const Store& store);

/// The helper to ask, by its name in the file: "pass".
struct NamedHelper {
    std::string name;
    std::string member; ///< "credHelpers" or "credsStore"
};
std::optional<NamedHelper> helper_for(const AuthFile& file, const Place& place, KeyPath path);

/// The entry of `auths` that fits best, unless it is empty (which docker writes for what a helper
/// keeps). Errors: invalid_argument (`auth` is no base64 of "user:password"; the message names the
/// entry).
Result<std::optional<RegistryAuth>>
entry_for(const AuthFile& file, const Place& place, KeyPath path);

} // namespace slipway::engine::credentials
