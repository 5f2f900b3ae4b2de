#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace slipway::engine {

struct TmpfsOptions {
    std::optional<std::int64_t> size_bytes;
    std::optional<std::uint32_t> mode; ///< permission bits, 01777 when absent
};
struct VolumeMountOptions {
    bool no_copy = false;                      ///< do not fill a new volume from the image
    std::map<std::string, std::string> labels; ///< of a volume that is made by this mount
};
struct BindMountOptions {
    std::string propagation; ///< "rprivate" when empty
};

/// One entry of `HostConfig.Mounts`.
struct Mount {
    std::string type = "bind"; ///< "bind", "volume", "tmpfs", "image", ...
    std::string source;        ///< host path or volume name; empty for tmpfs
    std::string target;        ///< absolute path in the container
    bool read_only = false;
    std::optional<BindMountOptions> bind{};
    std::optional<VolumeMountOptions> volume{};
    std::optional<TmpfsOptions> tmpfs{};
};

struct Ulimit {
    std::string name; ///< "nofile"
    std::int64_t soft = 0;
    std::int64_t hard = 0;
};

struct LogConfig {
    std::string type; ///< "json-file", "none", "local"; podman knows "k8s-file", "journald", "none"
    std::map<std::string, std::string> options;
};

struct DeviceMapping {
    std::string host_path;      ///< "/dev/kvm"
    std::string container_path; ///< usually the same
    std::string permissions = "rwm";
};

/// How a container meets its host. Absent members are left to the engine.
struct HostConfig {
    std::vector<std::string> binds; ///< "/host:/inside[:ro]"; docker creates a missing host path
    std::vector<Mount> mounts;      ///< docker refuses a missing bind source, podman creates it
    std::string network_mode; ///< "none", "host", "bridge", "container:<id>", a network's name
    bool auto_remove = false; ///< podman 4 then hides the exit code: see Containers::wait
    std::optional<bool> init; ///< run under the engine's own PID 1
    std::optional<std::int64_t> memory;      ///< bytes; 0 = no limit
    std::optional<std::int64_t> memory_swap; ///< bytes of memory and swap together; -1 = no limit
    std::optional<std::int64_t> nano_cpus;   ///< 1e-9 CPU: 1.5 CPUs = 1'500'000'000
    std::optional<std::int64_t> pids_limit;
    std::vector<std::string> cap_add;
    std::vector<std::string> cap_drop;
    std::vector<std::string> security_opt; ///< "seccomp=unconfined", "no-new-privileges"
    bool readonly_rootfs = false;          ///< podman still gives writable /tmp and /run
    std::map<std::string, std::string>
        tmpfs;               ///< path in the container -> options such as "size=64m"
    std::string userns_mode; ///< "host"; podman only: "keep-id[:uid=N,gid=N]"
    std::vector<Ulimit> ulimits;
    std::optional<LogConfig> log_config;
    bool privileged = false;
    std::string ipc_mode;                 ///< "private", "host", "none"
    std::optional<std::int64_t> shm_size; ///< bytes of /dev/shm
    std::vector<DeviceMapping> devices;
    std::vector<std::string> extra_hosts; ///< "name:address"
};

/// What a container is made from.
struct ContainerSpec {
    std::string image;            ///< reference or id; required
    std::string name;             ///< empty: the engine chooses one
    std::string platform;         ///< "os/arch[/variant]"; empty: the engine's own
    std::vector<std::string> cmd; ///< argv; empty = the image's CMD, unless `entrypoint` is set
    /// Absent = the image's ENTRYPOINT, empty = none. Setting it drops the image's CMD.
    std::optional<std::vector<std::string>> entrypoint;
    std::vector<std::string> env; ///< "NAME=value"
    std::string working_dir;
    std::string user; ///< "uid[:gid]" or names known to the image
    std::string hostname;
    std::map<std::string, std::string> labels;
    bool tty = false; ///< the output is then raw and not framed
    bool open_stdin = false;
    /// Ends the container's stdin when the first client's stdin ends. Without it, and without a
    /// terminal, dockerd answers a half-close by cutting the output.
    bool stdin_once = false;
    bool attach_stdin = false;
    bool attach_stdout = false;
    bool attach_stderr = false;
    std::string stop_signal; ///< "SIGTERM"
    std::optional<std::int64_t> stop_timeout_seconds;
    bool network_disabled = false;
    HostConfig host{};
};

} // namespace slipway::engine
