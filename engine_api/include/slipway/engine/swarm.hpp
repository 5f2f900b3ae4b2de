#pragma once

#include <slipway/engine/transport.hpp>

#include <cstdint>
#include <string>

namespace slipway::engine {

struct SwarmInit {
    std::string listen_address = "0.0.0.0:2377"; ///< where other managers and nodes come
    std::string advertise_address;  ///< how they find this node; empty: dockerd looks for one
    bool force_new_cluster = false; ///< from the state of one that lost its other managers
};

struct SwarmInfo {
    std::string id;
    std::uint64_t version = 0;
    std::string name;       ///< "default"
    std::string created_at; ///< RFC 3339
    std::string updated_at; ///< RFC 3339
};

/// The swarm that an engine is a part of: what services need. Podman has none: see
/// Traits::can_swarm. Valid as long as the transport. Errors beside the listed ones are those of
/// Containers, and unsupported on podman.
class Swarm {
public:
    explicit Swarm(Transport& transport) noexcept : transport_(&transport) {}

    /// Makes a swarm with this engine as its manager, and returns the id of the node.
    /// Errors: conflict (it is part of one already), invalid_argument (an address).
    /// API: POST /swarm/init, 1.24+.
    Task<std::string> init(const SwarmInit& options);
    Task<std::string> init(SwarmInit&& options) = delete;

    /// Errors: conflict (this engine is no manager of a swarm). API: GET /swarm, 1.24+.
    Task<SwarmInfo> inspect();

    /// Leaves the swarm; the services of its last manager, which needs `force`, are lost.
    /// Errors: conflict (it is in none, or `force` is missing). API: POST /swarm/leave, 1.24+.
    Task<> leave(bool force = false);

private:
    Transport* transport_;
};

} // namespace slipway::engine
