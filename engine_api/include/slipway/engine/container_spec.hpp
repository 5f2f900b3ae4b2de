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

/// Devices that a driver hands out, such as GPUs. Podman takes those of CDI alone: see
/// Traits::device_drivers.
struct DeviceRequest {
    std::string driver;                  ///< "nvidia", "cdi"; empty: one that has `capabilities`
    std::optional<std::int64_t> count{}; ///< how many; -1: all. Not beside `device_ids`
    std::vector<std::string> device_ids; ///< "0", a UUID; of CDI "vendor.example/class=name"
    /// Lists of which one has to be met in full: {{"gpu", "compute"}}.
    std::vector<std::vector<std::string>> capabilities;
    std::map<std::string, std::string> options; ///< of the driver
};

/// How a container joins a network. Empty members are left to the engine.
struct EndpointSettings {
    std::vector<std::string> aliases; ///< other names for it there
    std::string ipv4_address;         ///< fixed, from a pool that was given to the network
    std::string ipv6_address;
    std::string mac_address; ///< "02:42:ac:11:00:02"; Networks::connect: dockerd from API 1.54 on
};

/// Where a port of a container is reached on the engine's host.
struct PortBinding {
    std::string host_ip;   ///< of one of the host's interfaces; empty: all of them
    std::string host_port; ///< "8080", or "8000-8010" for a free one of these; empty: any free one
};

/// What an engine does when a container has ended.
struct RestartPolicy {
    std::string name;             ///< "no", "always", "unless-stopped", "on-failure"
    std::int64_t max_retries = 0; ///< of "on-failure"; 0: no limit
};

/// A command that tells whether a container is well. Podman runs it by systemd timers, so not at
/// all on a host without systemd.
struct Healthcheck {
    /// {"CMD", argv...} or {"CMD-SHELL", line}; {"NONE"} drops that of the image, none keeps it.
    std::vector<std::string> test;
    std::optional<std::int64_t> interval_ns;     ///< between two runs
    std::optional<std::int64_t> timeout_ns;      ///< of one run
    std::optional<std::int64_t> start_period_ns; ///< in which failures do not count
    std::optional<std::int64_t> retries;         ///< failures in a row that make it "unhealthy"
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
    std::vector<DeviceRequest> device_requests;
    std::vector<std::string> extra_hosts; ///< "name:address"
    /// Port in the container ("8080/tcp") -> where it is reached; an empty list says any free port.
    std::map<std::string, std::vector<PortBinding>> port_bindings;
    std::optional<RestartPolicy> restart;
    std::vector<std::string> group_add; ///< more groups for the user: names or numbers
    std::vector<std::string> dns;       ///< addresses of name servers
    std::vector<std::string> dns_search;
    std::vector<std::string> dns_options;
    std::map<std::string, std::string> sysctls; ///< "net.core.somaxconn" -> "1024"
    std::string pid_mode;                       ///< "host", "container:<id>"
    std::string cgroup_parent;
    std::string runtime;                            ///< "runc"; a name that the engine has
    std::string cpuset_cpus;                        ///< "0-2"
    std::optional<std::int64_t> cpu_shares;         ///< weight beside others; 1024 when absent
    std::optional<std::int64_t> cpu_period;         ///< microseconds
    std::optional<std::int64_t> cpu_quota;          ///< microseconds in each period
    std::optional<std::int64_t> memory_reservation; ///< bytes
    std::optional<std::int64_t> oom_score_adj;      ///< -1000 to 1000
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
    std::optional<Healthcheck> healthcheck;
    /// "8080/tcp"; those with a binding need no mention.
    std::vector<std::string> exposed_ports;
    HostConfig host{};
    /// By name or id of the network; `host.network_mode` has to name one of them. More than one:
    /// see Traits::can_create_in_networks. Podman refuses settings where the mode is no bridge.
    std::map<std::string, EndpointSettings> networks;
};

} // namespace slipway::engine
