#include "auth_header.hpp"

#include "base64.hpp"
#include "json.hpp"

namespace slipway {

template <>
struct json::Fields<engine::RegistryAuth> {
    using T = engine::RegistryAuth;
    static constexpr auto list = std::tuple{
        json::optional("username", &T::username),
        json::optional("password", &T::password),
        json::optional("serveraddress", &T::server_address),
        json::optional("identitytoken", &T::identity_token),
        json::optional("registrytoken", &T::registry_token)};
};

namespace engine {

Result<std::string> auth_header(const RegistryAuth& auth)
{
    TRY(const std::string text, json::encode(auth));
    return base64_url(text);
}

Result<std::string> auth_header(const std::map<std::string, RegistryAuth>& registries)
{
    TRY(const std::string text, json::encode(registries));
    return base64_url(text);
}

} // namespace engine

} // namespace slipway
