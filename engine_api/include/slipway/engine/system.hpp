#pragma once

#include <slipway/engine/auth.hpp>
#include <slipway/engine/disk_usage.hpp>
#include <slipway/engine/transport.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace slipway::engine {

/// One program the engine is made of: "Engine", "containerd", "runc", "Podman Engine".
struct EngineComponent {
    std::string name;
    std::string version;
    std::map<std::string, std::string> details;
};

/// GET /version.
struct EngineVersion {
    std::string version;         ///< "20.10.24+dfsg1"
    std::string api_version;     ///< newest API of the engine: "1.41"
    std::string min_api_version; ///< oldest API of the engine: "1.12"
    std::string os;              ///< "linux"
    std::string architecture;    ///< Go's name: "amd64", "arm64"
    std::string kernel_version;
    std::vector<EngineComponent> components;
};

/// GET /info, what callers act on. Any member may be empty: engines leave out what they like.
struct EngineInfo {
    std::string id;   ///< podman makes a new one at every call: not an identity there
    std::string name; ///< host name
    std::string server_version;
    std::string operating_system; ///< "Debian GNU/Linux 12 (bookworm)"
    std::string os_type;          ///< "linux"
    std::string architecture;     ///< the kernel's name: "x86_64"; podman: "amd64"
    std::string kernel_version;
    std::int64_t cpus = 0;
    std::int64_t memory_bytes = 0;
    std::string root_directory; ///< where images and volumes live on the engine's host
    std::string storage_driver; ///< "overlay2", "vfs", "overlay"
    std::vector<std::vector<std::string>> driver_status; ///< pairs of key and value
    std::vector<std::string> security_options;           ///< "name=seccomp,profile=default"
    std::string cgroup_driver;                           ///< "systemd", "cgroupfs", "none"
    std::string cgroup_version;                          ///< "1", "2"
    bool can_limit_memory = false;                       ///< of a container; likewise the next two
    bool can_limit_cpus = false;
    bool can_limit_pids = false;
    bool rootless_flag = false; ///< podman's own member
    std::vector<std::string> warnings;
};

struct LoginResult {
    std::string status;         ///< for people: "Login Succeeded"
    std::string identity_token; ///< to be used in the place of the password; mostly empty
};

/// The engine runs without root: host ids, limits and low ports behave differently.
bool is_rootless(const EngineInfo& info) noexcept;

/// dockerd maps container ids to a range of host ids (userns-remap).
bool remaps_users(const EngineInfo& info) noexcept;

/// Images are kept by containerd: an image id is then the digest of a manifest, not of a config.
bool uses_containerd_store(const EngineInfo& info) noexcept;

/// The engine itself. Valid as long as the transport.
class System {
public:
    explicit System(Transport& transport) noexcept : transport_(&transport) {}

    /// Errors: engine, protocol, unreachable, timed_out, cancelled.
    /// API: GET /version, 1.24+.
    Task<EngineVersion> version();

    /// Errors: as `version`. API: GET /info, 1.24+.
    Task<EngineInfo> info();

    /// What images, containers, volumes and the build cache take up. Can take minutes.
    /// Errors: invalid_argument (`what` is nothing). API: GET /system/df, 1.25+; `type` 1.42+,
    ///   `verbose` 1.52+. Source: daemon/server/router/system of moby, API 1.55.
    Task<DiskUsage> disk_usage(DiskUsageOf what);
    Task<DiskUsage> disk_usage();

    /// Asks a registry whether it takes the credentials; nothing is kept.
    /// Errors: unauthorized, engine (no registry answers). API: POST /auth.
    Task<LoginResult> login(const RegistryAuth& auth);
    Task<LoginResult> login(RegistryAuth&& auth) = delete;

private:
    Transport* transport_;
};

} // namespace slipway::engine
