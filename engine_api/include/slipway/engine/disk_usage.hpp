#pragma once

#include <slipway/engine/containers.hpp>
#include <slipway/engine/images.hpp>
#include <slipway/engine/volumes.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace slipway::engine {

/// What a kind of object takes up.
struct UsageTotals {
    std::int64_t count = 0;
    std::int64_t active = 0;            ///< in use: by a container, or running
    std::int64_t bytes = 0;             ///< shared layers count once, where the engine says so
    std::int64_t reclaimable_bytes = 0; ///< of those that are not in use
};

/// A record of the build cache.
struct CacheRecord {
    std::string id;
    std::string type; ///< "regular", "source.local", "exec.cachemount", "frontend", "internal", ...
    std::string description;
    bool in_use = false;
    bool shared = false;
    std::int64_t size = 0;    ///< bytes
    std::string created_at;   ///< RFC 3339
    std::string last_used_at; ///< RFC 3339; may be empty
    std::int64_t usage_count = 0;
};

/// The totals are the engine's from API 1.52 on; before, they are counted from the objects as the
/// docker CLI does it. Podman 4 gives the tag in the place of a whole name.
struct DiskUsage {
    UsageTotals image_totals;
    UsageTotals container_totals; ///< what they wrote, without their images
    UsageTotals volume_totals;
    UsageTotals cache_totals;
    std::vector<ImageSummary> images;
    std::vector<ContainerSummary> containers;
    std::vector<VolumeInfo> volumes;
    std::vector<CacheRecord> build_cache;
};

/// What to look at: each costs the engine a walk over its disk. Before API 1.42, and on podman, it
/// looks at everything.
struct DiskUsageOf {
    bool images = true;
    bool containers = true;
    bool volumes = true;
    bool build_cache = true;
};

} // namespace slipway::engine
