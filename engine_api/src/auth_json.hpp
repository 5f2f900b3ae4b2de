#pragma once

#include "json.hpp"

#include <slipway/engine/auth.hpp>

namespace slipway::json {

template <>
struct Fields<engine::RegistryAuth> {
    using T = engine::RegistryAuth;
    static constexpr auto list = std::tuple{
        optional("username", &T::username),
        optional("password", &T::password),
        optional("serveraddress", &T::server_address),
        optional("identitytoken", &T::identity_token),
        optional("registrytoken", &T::registry_token)};
};

} // namespace slipway::json
