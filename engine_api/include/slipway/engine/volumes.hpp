#pragma once

#include <slipway/engine/filters.hpp>
#include <slipway/engine/prune.hpp>
#include <slipway/engine/transport.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::engine {

struct VolumeSpec {
    std::string name;   ///< empty: the engine chooses one
    std::string driver; ///< empty: "local"
    std::map<std::string, std::string> driver_options;
    std::map<std::string, std::string> labels;
};

struct VolumeUsage {
    std::int64_t size = -1;       ///< bytes; -1: not counted
    std::int64_t containers = -1; ///< that use it; -1: not counted
};

struct VolumeInfo {
    std::string name;
    std::string driver;
    std::string mountpoint; ///< on the engine's host
    std::string created_at; ///< RFC 3339; may be empty
    std::string scope;      ///< "local"
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string> options;
    std::optional<VolumeUsage> usage{}; ///< System::disk_usage only
};

/// The volumes of an engine. Valid as long as the transport. Errors beside the listed ones are
/// those of Containers; aggregates are passed as named objects, for the same reason.
class Volumes {
public:
    explicit Volumes(Transport& transport) noexcept : transport_(&transport) {}

    /// A volume of that name that exists already is a success and is returned as it is: compare its
    /// labels. Errors: invalid_argument, conflict (another driver). API: POST /volumes/create.
    Task<VolumeInfo> create(const VolumeSpec& spec);
    Task<VolumeInfo> create(VolumeSpec&& spec) = delete;

    /// Errors: not_found. API: GET /volumes/{name}.
    Task<VolumeInfo> inspect(std::string_view name);

    /// Those for which every filter holds. Where the engine lists those for which one holds, it is
    /// asked for each. API: GET /volumes.
    Task<std::vector<VolumeInfo>> list(const Filters& filters);
    Task<std::vector<VolumeInfo>> list();

    /// With `force` a volume that is not there is a success (docker).
    /// Errors: not_found, conflict (in use). API: DELETE /volumes/{name}.
    Task<> remove(std::string_view name, bool force = false);

    /// Removes all volumes that no container uses, with a name or without, on every API version.
    /// Every filter holds for them. Where the engine would remove those for which one holds, they
    /// are listed and removed one by one, and no bytes are counted.
    /// Errors: invalid_argument (a filter; podman: engine). API: POST /volumes/prune, 1.25+.
    Task<Pruned> prune(const Filters& filters);

private:
    Transport* transport_;
};

} // namespace slipway::engine
