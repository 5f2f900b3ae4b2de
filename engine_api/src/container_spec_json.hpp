#pragma once

#include "endpoint_settings_json.hpp"
#include "json.hpp"

#include <slipway/engine/container_spec.hpp>

namespace slipway::engine {

/// The API has a set of ports as an object of empty objects.
struct ExposedPort {};
struct NetworkingBody {
    std::map<std::string, EndpointBody> endpoints;
};
struct ContainerSpecBody : ContainerSpec {
    std::map<std::string, ExposedPort> ports;
    std::string mac_address;
    std::optional<NetworkingBody> networking;
};

} // namespace slipway::engine

namespace slipway::json {

template <>
struct Fields<engine::TmpfsOptions> {
    using T = engine::TmpfsOptions;
    static constexpr auto list =
        std::tuple{optional("SizeBytes", &T::size_bytes), optional("Mode", &T::mode)};
};

template <>
struct Fields<engine::VolumeMountOptions> {
    using T = engine::VolumeMountOptions;
    static constexpr auto list =
        std::tuple{optional("NoCopy", &T::no_copy), optional("Labels", &T::labels)};
};

template <>
struct Fields<engine::BindMountOptions> {
    using T = engine::BindMountOptions;
    static constexpr auto list = std::tuple{optional("Propagation", &T::propagation)};
};

template <>
struct Fields<engine::Mount> {
    using T = engine::Mount;
    static constexpr auto list = std::tuple{
        required("Type", &T::type),
        optional("Source", &T::source),
        required("Target", &T::target),
        optional("ReadOnly", &T::read_only),
        optional("BindOptions", &T::bind),
        optional("VolumeOptions", &T::volume),
        optional("TmpfsOptions", &T::tmpfs)};
};

template <>
struct Fields<engine::Ulimit> {
    using T = engine::Ulimit;
    static constexpr auto list = std::tuple{
        required("Name", &T::name), required("Soft", &T::soft), required("Hard", &T::hard)};
};

template <>
struct Fields<engine::LogConfig> {
    using T = engine::LogConfig;
    static constexpr auto list =
        std::tuple{optional("Type", &T::type), optional("Config", &T::options)};
};

template <>
struct Fields<engine::DeviceMapping> {
    using T = engine::DeviceMapping;
    static constexpr auto list = std::tuple{
        required("PathOnHost", &T::host_path),
        required("PathInContainer", &T::container_path),
        required("CgroupPermissions", &T::permissions)};
};

template <>
struct Fields<engine::DeviceRequest> {
    using T = engine::DeviceRequest;
    static constexpr auto list = std::tuple{
        optional("Driver", &T::driver),
        optional("Count", &T::count),
        optional("DeviceIDs", &T::device_ids),
        optional("Capabilities", &T::capabilities),
        optional("Options", &T::options)};
};

template <>
struct Fields<engine::PortBinding> {
    using T = engine::PortBinding;
    static constexpr auto list =
        std::tuple{optional("HostIp", &T::host_ip), optional("HostPort", &T::host_port)};
};

template <>
struct Fields<engine::RestartPolicy> {
    using T = engine::RestartPolicy;
    static constexpr auto list =
        std::tuple{required("Name", &T::name), optional("MaximumRetryCount", &T::max_retries)};
};

template <>
struct Fields<engine::Healthcheck> {
    using T = engine::Healthcheck;
    static constexpr auto list = std::tuple{
        optional("Test", &T::test),
        optional("Interval", &T::interval_ns),
        optional("Timeout", &T::timeout_ns),
        optional("StartPeriod", &T::start_period_ns),
        optional("Retries", &T::retries)};
};

template <>
struct Fields<engine::ExposedPort> {
    static constexpr std::tuple<> list{};
};

template <>
struct Fields<engine::HostConfig> {
    using T = engine::HostConfig;
    static constexpr auto list = std::tuple{
        optional("Binds", &T::binds),
        optional("Mounts", &T::mounts),
        optional("NetworkMode", &T::network_mode),
        optional("AutoRemove", &T::auto_remove),
        optional("Init", &T::init),
        optional("Memory", &T::memory),
        optional("MemorySwap", &T::memory_swap),
        optional("NanoCpus", &T::nano_cpus),
        optional("PidsLimit", &T::pids_limit),
        optional("CapAdd", &T::cap_add),
        optional("CapDrop", &T::cap_drop),
        optional("SecurityOpt", &T::security_opt),
        optional("ReadonlyRootfs", &T::readonly_rootfs),
        optional("Tmpfs", &T::tmpfs),
        optional("UsernsMode", &T::userns_mode),
        optional("Ulimits", &T::ulimits),
        optional("LogConfig", &T::log_config),
        optional("Privileged", &T::privileged),
        optional("IpcMode", &T::ipc_mode),
        optional("ShmSize", &T::shm_size),
        optional("Devices", &T::devices),
        optional("DeviceRequests", &T::device_requests),
        optional("ExtraHosts", &T::extra_hosts),
        optional("PortBindings", &T::port_bindings),
        optional("RestartPolicy", &T::restart),
        optional("GroupAdd", &T::group_add),
        optional("Dns", &T::dns),
        optional("DnsSearch", &T::dns_search),
        optional("DnsOptions", &T::dns_options),
        optional("Sysctls", &T::sysctls),
        optional("PidMode", &T::pid_mode),
        optional("CgroupParent", &T::cgroup_parent),
        optional("Runtime", &T::runtime),
        optional("CpusetCpus", &T::cpuset_cpus),
        optional("CpuShares", &T::cpu_shares),
        optional("CpuPeriod", &T::cpu_period),
        optional("CpuQuota", &T::cpu_quota),
        optional("MemoryReservation", &T::memory_reservation),
        optional("OomScoreAdj", &T::oom_score_adj)};
};

template <>
struct Fields<engine::NetworkingBody> {
    static constexpr auto list =
        std::tuple{required("EndpointsConfig", &engine::NetworkingBody::endpoints)};
};

/// `name` and `platform` travel in the query.
template <>
struct Fields<engine::ContainerSpecBody> {
    using T = engine::ContainerSpecBody;
    static constexpr auto list = std::tuple{
        required("Image", &T::image),
        optional("Cmd", &T::cmd),
        optional("Entrypoint", &T::entrypoint),
        optional("Env", &T::env),
        optional("WorkingDir", &T::working_dir),
        optional("User", &T::user),
        optional("Hostname", &T::hostname),
        optional("Labels", &T::labels),
        optional("Tty", &T::tty),
        optional("OpenStdin", &T::open_stdin),
        optional("StdinOnce", &T::stdin_once),
        optional("AttachStdin", &T::attach_stdin),
        optional("AttachStdout", &T::attach_stdout),
        optional("AttachStderr", &T::attach_stderr),
        optional("StopSignal", &T::stop_signal),
        optional("StopTimeout", &T::stop_timeout_seconds),
        optional("NetworkDisabled", &T::network_disabled),
        optional("Healthcheck", &T::healthcheck),
        optional("ExposedPorts", &T::ports),
        optional("MacAddress", &T::mac_address),
        required("HostConfig", &T::host),
        optional("NetworkingConfig", &T::networking)};
};

} // namespace slipway::json
