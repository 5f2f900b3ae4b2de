#pragma once

#include <slipway/engine/container_spec.hpp>
#include <slipway/engine/filters.hpp>
#include <slipway/engine/prune.hpp>
#include <slipway/engine/transport.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::engine {

/// A range of addresses of a network.
struct AddressPool {
    std::string subnet;                          ///< "10.99.0.0/24"
    std::string ip_range;                        ///< the part of it that containers get; empty: all
    std::string gateway;                         ///< empty: the engine chooses
    std::map<std::string, std::string> reserved; ///< name -> address that no container gets
};

/// What to make a network with. Empty members are left to the engine.
struct NetworkSpec {
    std::string name;        ///< required
    std::string driver;      ///< empty: "bridge"
    bool internal = false;   ///< no way out of it
    bool attachable = false; ///< of a swarm: for containers of this engine too
    bool ipv6 = false;
    std::vector<AddressPool> pools;
    std::string ipam_driver;
    std::map<std::string, std::string> options; ///< of the driver; podman warns of what it ignores
    std::map<std::string, std::string> labels;
};

struct CreatedNetwork {
    std::string id;
    std::string warning; ///< the engine's text: show it, never parse it
};

/// A container in a network.
struct NetworkMember {
    std::string name;
    std::string endpoint_id; ///< podman has none
    std::string mac_address;
    std::string ipv4_address; ///< with its prefix: "10.99.0.9/24"
    std::string ipv6_address;
};

struct NetworkInfo {
    std::string id;
    std::string name;
    std::string driver;
    std::string scope;      ///< "local", "swarm", "global"
    std::string created_at; ///< RFC 3339; podman 4: the moment of the answer
    bool internal = false;
    bool attachable = false;
    bool ingress = false;
    bool ipv6 = false;
    std::string ipam_driver;
    std::vector<AddressPool> pools;
    /// By id; of those that run. Podman has those that do not as well; a list on dockerd has none.
    std::map<std::string, NetworkMember> containers;
    std::map<std::string, std::string> options;
    std::map<std::string, std::string> labels;
};

/// Which container joins a network, and how.
struct ConnectNetwork : EndpointSettings {
    std::string container;
};

/// The networks of an engine, named by name or id. Valid as long as the transport. Errors beside
/// the listed ones are those of Containers; aggregates are passed as named objects, for the same
/// reason.
class Networks {
public:
    explicit Networks(Transport& transport) noexcept : transport_(&transport) {}

    /// API: GET /networks, 1.21+.
    Task<std::vector<NetworkInfo>> list(const Filters& filters);
    Task<std::vector<NetworkInfo>> list();

    /// Errors: not_found. API: GET /networks/{id}.
    Task<NetworkInfo> inspect(std::string_view network);

    /// Errors: invalid_argument (no name, addresses that overlap or do not fit), conflict (name in
    ///   use), not_found (dockerd: no such driver), engine. API: POST /networks/create.
    Task<CreatedNetwork> create(const NetworkSpec& spec);
    Task<CreatedNetwork> create(NetworkSpec&& spec) = delete;

    /// dockerd looks at the network of a container that does not run when it starts it.
    /// Errors: not_found (either), conflict (it is there already), invalid_argument.
    /// API: POST /networks/{id}/connect.
    Task<> connect(std::string_view network, const ConnectNetwork& how);
    Task<> connect(std::string_view network, ConnectNetwork&& how) = delete;

    /// With `force` also a container that is gone. Errors: not_found (either), conflict (it is not
    ///   in the network). API: POST /networks/{id}/disconnect.
    Task<> disconnect(std::string_view network, std::string_view container, bool force = false);

    /// Errors: not_found, conflict (containers are in it, or the engine made it for itself).
    /// API: DELETE /networks/{id}.
    Task<> remove(std::string_view network);

    /// Removes all networks that no container uses, by name.
    /// Errors: invalid_argument (a filter; podman: engine). API: POST /networks/prune, 1.25+.
    Task<Pruned> prune(const Filters& filters);

private:
    Transport* transport_;
};

} // namespace slipway::engine
