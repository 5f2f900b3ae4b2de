#pragma once

#include "json.hpp"

#include <slipway/engine/container_spec.hpp>

namespace slipway::engine {

/// EndpointSettings as the API nests them.
struct EndpointBody {
    struct Addresses {
        std::string ipv4;
        std::string ipv6;
    };
    std::vector<std::string> aliases;
    std::optional<Addresses> addresses;
    std::string mac_address;
};

inline EndpointBody endpoint_body(const EndpointSettings& settings)
{
    EndpointBody body;
    body.aliases = settings.aliases;
    body.mac_address = settings.mac_address;
    if (!settings.ipv4_address.empty() || !settings.ipv6_address.empty()) {
        body.addresses = EndpointBody::Addresses{settings.ipv4_address, settings.ipv6_address};
    }
    return body;
}

} // namespace slipway::engine

namespace slipway::json {

template <>
struct Fields<engine::EndpointBody::Addresses> {
    using T = engine::EndpointBody::Addresses;
    static constexpr auto list =
        std::tuple{optional("IPv4Address", &T::ipv4), optional("IPv6Address", &T::ipv6)};
};

template <>
struct Fields<engine::EndpointBody> {
    using T = engine::EndpointBody;
    static constexpr auto list = std::tuple{
        optional("Aliases", &T::aliases),
        optional("IPAMConfig", &T::addresses),
        optional("MacAddress", &T::mac_address)};
};

} // namespace slipway::json
