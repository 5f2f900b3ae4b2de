#include "auth_header.hpp"

#include "auth_json.hpp"
#include "base64.hpp"

namespace slipway::engine {

namespace {

template <class T>
Result<> add_header(Request& request, const char* name, const T& value)
{
    TRY(const std::string text, json::encode(value));
    const std::string header = base64_url(text);
    request.secret(header).header(name, header);
    return ok();
}

} // namespace

void add_secrets(Request& request, const RegistryAuth& auth)
{
    request.secret(auth.password).secret(auth.identity_token).secret(auth.registry_token);
}

Result<> add_auth(Request& request, const RegistryAuth& auth)
{
    add_secrets(request, auth);
    return add_header(request, "X-Registry-Auth", auth);
}

Result<> add_auth(Request& request, const std::map<std::string, RegistryAuth>& registries)
{
    for (const auto& [name, auth] : registries) {
        add_secrets(request, auth);
    }
    return add_header(request, "X-Registry-Config", registries);
}

} // namespace slipway::engine
