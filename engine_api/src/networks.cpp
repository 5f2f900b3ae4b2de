#include "call.hpp"
#include "endpoint_settings_json.hpp"
#include "prune_call.hpp"

#include <slipway/engine/networks.hpp>

#include <algorithm>
#include <array>

namespace slipway {

namespace engine {

namespace {

struct Ipam {
    std::string driver;
    std::vector<AddressPool> pools;
};

struct NetworkReply : NetworkInfo {
    Ipam ipam;
};

struct NetworkBody : NetworkSpec {
    bool check_duplicate = true; ///< without it dockerd before 25 makes a second of the same name
    std::optional<Ipam> ipam;
};

struct ConnectBody {
    std::string container;
    EndpointBody endpoint;
};

struct DisconnectBody {
    std::string container;
    bool force = false;
};

} // namespace

} // namespace engine

template <>
struct json::Fields<engine::AddressPool> {
    using T = engine::AddressPool;
    static constexpr auto list = std::tuple{
        json::optional("Subnet", &T::subnet),
        json::optional("IPRange", &T::ip_range),
        json::optional("Gateway", &T::gateway),
        json::optional("AuxiliaryAddresses", &T::reserved)};
};
template <>
struct json::Fields<engine::Ipam> {
    using T = engine::Ipam;
    static constexpr auto list =
        std::tuple{json::optional("Driver", &T::driver), json::optional("Config", &T::pools)};
};
template <>
struct json::Fields<engine::NetworkMember> {
    using T = engine::NetworkMember;
    static constexpr auto list = std::tuple{
        json::optional("Name", &T::name),
        json::optional("EndpointID", &T::endpoint_id),
        json::optional("MacAddress", &T::mac_address),
        json::optional("IPv4Address", &T::ipv4_address),
        json::optional("IPv6Address", &T::ipv6_address)};
};
template <>
struct json::Fields<engine::NetworkReply> {
    using T = engine::NetworkReply;
    static constexpr auto list = std::tuple{
        json::required("Id", &T::id),
        json::optional("Name", &T::name),
        json::optional("Driver", &T::driver),
        json::optional("Scope", &T::scope),
        json::optional("Created", &T::created_at),
        json::optional("Internal", &T::internal),
        json::optional("Attachable", &T::attachable),
        json::optional("Ingress", &T::ingress),
        json::optional("EnableIPv6", &T::ipv6),
        json::optional("IPAM", &T::ipam),
        json::optional("Containers", &T::containers),
        json::optional("Options", &T::options),
        json::optional("Labels", &T::labels)};
};
template <>
struct json::Fields<engine::NetworkBody> {
    using T = engine::NetworkBody;
    static constexpr auto list = std::tuple{
        json::required("Name", &T::name),
        json::optional("CheckDuplicate", &T::check_duplicate),
        json::optional("Driver", &T::driver),
        json::optional("Internal", &T::internal),
        json::optional("Attachable", &T::attachable),
        json::optional("EnableIPv6", &T::ipv6),
        json::optional("IPAM", &T::ipam),
        json::optional("Options", &T::options),
        json::optional("Labels", &T::labels)};
};
template <>
struct json::Fields<engine::CreatedNetwork> {
    using T = engine::CreatedNetwork;
    static constexpr auto list =
        std::tuple{json::required("Id", &T::id), json::optional("Warning", &T::warning)};
};
template <>
struct json::Fields<engine::ConnectBody> {
    using T = engine::ConnectBody;
    static constexpr auto list = std::tuple{
        json::required("Container", &T::container), json::required("EndpointConfig", &T::endpoint)};
};
template <>
struct json::Fields<engine::DisconnectBody> {
    using T = engine::DisconnectBody;
    static constexpr auto list =
        std::tuple{json::required("Container", &T::container), json::required("Force", &T::force)};
};

namespace engine {

namespace {

Result<Request>
on_network(std::string_view method, std::string_view network, std::string_view suffix = {})
{
    return request_on(method, "/networks/", segment_of(network, "network"), suffix);
}

std::string doing_to_network(std::string_view what, std::string_view network)
{
    return std::string(what) + " network " + std::string(short_id(network));
}

NetworkInfo network_from(NetworkReply&& reply)
{
    reply.ipam_driver = std::move(reply.ipam.driver);
    reply.pools = std::move(reply.ipam.pools);
    return static_cast<NetworkInfo&&>(reply);
}

Task<NetworkInfo> inspect_network(Transport& transport, Result<Request> request, std::string doing)
{
    CO_TRY(
        auto reply, co_await call<NetworkReply>(transport, std::move(request), std::move(doing))
    );
    co_return network_from(std::move(reply));
}

Task<std::vector<NetworkInfo>> list_networks(Transport& transport, Result<Request> request)
{
    using Reply = std::vector<NetworkReply>;
    CO_TRY(Reply reply, co_await call<Reply>(transport, std::move(request), "listing networks"));
    std::vector<NetworkInfo> networks;
    networks.reserve(reply.size());
    for (NetworkReply& one : reply) {
        networks.push_back(network_from(std::move(one)));
    }
    co_return networks;
}

Result<Request> create_network_request(const NetworkSpec& spec)
{
    if (spec.name.empty()) return fail(Errc::invalid_argument, "the name of the network is empty");
    NetworkBody body{spec, true, std::nullopt};
    if (!spec.pools.empty() || !spec.ipam_driver.empty()) {
        body.ipam = Ipam{spec.ipam_driver, spec.pools};
    }
    TRY(std::string text, json::encode(body));
    Request request("POST", "/networks/create");
    request.json(std::move(text));
    return request;
}

Result<Request> connect_request(std::string_view network, const ConnectNetwork& how)
{
    CHECK_OK(segment_of(how.container, "container"));
    ConnectBody body;
    body.container = how.container;
    body.endpoint = endpoint_body(how);
    TRY(std::string text, json::encode(body));
    TRY(Request request, on_network("POST", network, "/connect"));
    request.json(std::move(text));
    return request;
}

Result<Request> disconnect_request(std::string_view network, std::string_view container, bool force)
{
    CHECK_OK(segment_of(container, "container"));
    const DisconnectBody body{std::string(container), force};
    TRY(std::string text, json::encode(body));
    TRY(Request request, on_network("POST", network, "/disconnect"));
    request.json(std::move(text));
    return request;
}

/// dockerd says 403, and both engines say 500, to what is in the wrong state for the request.
bool is_wrong_state(const Error& error)
{
    static constexpr auto words = std::to_array<std::string_view>({
        "has active endpoints",      // remove
        "already exists in network", // connect
        "is not connected to",       // disconnect
        "cannot be removed",         // remove: what the engine made itself
    });
    const bool may_be = error.code == Errc::unauthorized || error.code == Errc::engine;
    return may_be && std::ranges::any_of(words, [&](std::string_view text) {
               return error.message.find(text) != std::string::npos;
           });
}

Task<> change_network(Transport& transport, Result<Request> request, std::string doing)
{
    auto done = co_await perform(transport, std::move(request), std::move(doing));
    if (!done && is_wrong_state(done.error())) done.error().code = Errc::conflict;
    co_return done;
}

Task<> remove_network_by_name(Transport& transport, std::string network, std::string doing)
{
    auto request = on_network("GET", network);
    CO_TRY(auto found, co_await call<NetworkReply>(transport, std::move(request), doing));
    auto removal = on_network("DELETE", found.name);
    co_return co_await change_network(transport, std::move(removal), std::move(doing));
}

} // namespace

Task<std::vector<NetworkInfo>> Networks::list(const Filters& filters)
{
    Request request("GET", "/networks");
    if (auto added = add_filters(request, filters); !added) {
        return refuse<std::vector<NetworkInfo>>(std::move(added).error());
    }
    return list_networks(*transport_, std::move(request));
}

Task<std::vector<NetworkInfo>> Networks::list()
{
    const Filters everything;
    return list(everything);
}

Task<NetworkInfo> Networks::inspect(std::string_view network)
{
    return inspect_network(
        *transport_, on_network("GET", network), doing_to_network("inspecting", network)
    );
}

Task<CreatedNetwork> Networks::create(const NetworkSpec& spec)
{
    return call<CreatedNetwork>(
        *transport_, create_network_request(spec), doing_to_network("creating", spec.name)
    );
}

Task<> Networks::connect(std::string_view network, const ConnectNetwork& how)
{
    std::string doing = "connecting container " + std::string(short_id(how.container));
    doing.append(" to network ").append(short_id(network));
    return change_network(*transport_, connect_request(network, how), std::move(doing));
}

Task<> Networks::disconnect(std::string_view network, std::string_view container, bool force)
{
    std::string doing = "disconnecting container " + std::string(short_id(container));
    doing.append(" from network ").append(short_id(network));
    return change_network(
        *transport_, disconnect_request(network, container, force), std::move(doing)
    );
}

Task<> Networks::remove(std::string_view network)
{
    std::string doing = doing_to_network("removing", network);
    if (transport_->traits().network_remove_by_id_ignores_use) {
        return remove_network_by_name(*transport_, std::string(network), std::move(doing));
    }
    return change_network(*transport_, on_network("DELETE", network), std::move(doing));
}

Task<Pruned> Networks::prune(const Filters& filters)
{
    return engine::prune(
        *transport_, prune_request("/networks/prune", filters), "removing unused networks"
    );
}

} // namespace engine

} // namespace slipway
