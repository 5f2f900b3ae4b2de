#include "auth_header.hpp"

#include "auth_json.hpp"
#include "base64.hpp"

namespace slipway::engine {

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

} // namespace slipway::engine
