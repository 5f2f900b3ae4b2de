#pragma once

#include <slipway/engine/auth.hpp>
#include <slipway/engine/filters.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace slipway::engine {

struct SearchImages {
    std::string term; ///< a part of a name; "registry.example/part" asks that registry
    std::optional<std::int64_t> limit{}; ///< the engine's own is 25
    Filters filters;                     ///< "is-official", "stars"
    std::optional<RegistryAuth> auth{};
};

struct FoundImage {
    std::string name;
    std::string description;
    std::int64_t stars = 0;
    bool official = false;
};

struct Platform {
    std::string os;
    std::string architecture; ///< Go's name: "amd64"
    std::string variant;      ///< "v7"; mostly empty
    std::string os_version;   ///< Windows
};

/// What a registry has under a name.
struct DistributionInfo {
    std::string digest; ///< "sha256:..." of the manifest or the index
    std::string media_type;
    std::int64_t size = 0; ///< bytes of the manifest or the index
    std::vector<Platform> platforms;
};

} // namespace slipway::engine
