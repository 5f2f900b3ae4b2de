#pragma once

#include "json.hpp"

#include <cstdint>

namespace slipway::engine {

/// What the objects of a swarm have as their version.
struct SwarmVersion {
    std::uint64_t index = 0;
};

} // namespace slipway::engine

namespace slipway::json {

template <>
struct Fields<engine::SwarmVersion> {
    static constexpr auto list = std::tuple{optional("Index", &engine::SwarmVersion::index)};
};

} // namespace slipway::json
