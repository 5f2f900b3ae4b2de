#pragma once

#include "container_spec_json.hpp"

#include <slipway/engine/containers.hpp>

namespace slipway::engine {

/// Engines write a container's name as "/web".
inline void drop_slash(std::string& name)
{
    if (name.starts_with('/')) name.erase(0, 1);
}
inline void drop_slashes(std::vector<std::string>& names)
{
    for (std::string& name : names) {
        drop_slash(name);
    }
}

/// What GET /containers/{id}/json nests deeper than ContainerInfo does.
struct ContainerInfoReply : ContainerInfo {
    struct Networks {
        std::map<std::string, NetworkEndpoint> networks;
        std::map<std::string, std::vector<PortBinding>> ports;
    };
    struct Host {
        std::string network_mode;
        bool auto_remove = false;
    };
    struct Health {
        std::string status;
    };
    struct StateMore {
        Health health;
    };
    Networks network_settings;
    Host host;
    StateMore state_more;
};

struct WaitReply {
    struct Failure {
        std::string message;
    };
    std::int64_t status_code = 0;
    Failure error;
};

} // namespace slipway::engine

namespace slipway::json {

template <>
struct Fields<engine::MountPoint> {
    using T = engine::MountPoint;
    static constexpr auto list = std::tuple{
        optional("Type", &T::type),
        optional("Name", &T::name),
        optional("Source", &T::source),
        optional("Destination", &T::destination),
        optional("Driver", &T::driver),
        optional("RW", &T::writable)};
};

template <>
struct Fields<engine::CreatedContainer> {
    using T = engine::CreatedContainer;
    static constexpr auto list =
        std::tuple{required("Id", &T::id), optional("Warnings", &T::warnings)};
};

template <>
struct Fields<engine::ContainerState> {
    using T = engine::ContainerState;
    static constexpr auto list = std::tuple{
        optional("Status", &T::status),
        optional("Running", &T::running),
        optional("Paused", &T::paused),
        optional("OOMKilled", &T::oom_killed),
        optional("Pid", &T::pid),
        optional("ExitCode", &T::exit_code),
        optional("Error", &T::error),
        optional("StartedAt", &T::started_at),
        optional("FinishedAt", &T::finished_at)};
};

template <>
struct Fields<engine::ContainerConfig> {
    using T = engine::ContainerConfig;
    static constexpr auto list = std::tuple{
        optional("Image", &T::image),
        optional("Cmd", &T::cmd),
        optional("Entrypoint", &T::entrypoint),
        optional("Env", &T::env),
        optional("Labels", &T::labels),
        optional("WorkingDir", &T::working_dir),
        optional("User", &T::user),
        optional("Hostname", &T::hostname),
        optional("Tty", &T::tty),
        optional("OpenStdin", &T::open_stdin),
        optional("StdinOnce", &T::stdin_once),
        optional("StopSignal", &T::stop_signal)};
};

template <>
struct Fields<engine::NetworkEndpoint> {
    using T = engine::NetworkEndpoint;
    static constexpr auto list = std::tuple{
        optional("NetworkID", &T::network_id),
        optional("IPAddress", &T::ip_address),
        optional("Gateway", &T::gateway),
        optional("MacAddress", &T::mac_address),
        optional("Aliases", &T::aliases)};
};

template <>
struct Fields<engine::ContainerInfoReply::Networks> {
    using T = engine::ContainerInfoReply::Networks;
    static constexpr auto list =
        std::tuple{optional("Networks", &T::networks), optional("Ports", &T::ports)};
};

template <>
struct Fields<engine::ContainerInfoReply::Host> {
    using T = engine::ContainerInfoReply::Host;
    static constexpr auto list = std::tuple{
        optional("NetworkMode", &T::network_mode), optional("AutoRemove", &T::auto_remove)};
};

template <>
struct Fields<engine::ContainerInfoReply::Health> {
    using T = engine::ContainerInfoReply::Health;
    static constexpr auto list = std::tuple{optional("Status", &T::status)};
};

template <>
struct Fields<engine::ContainerInfoReply::StateMore> {
    using T = engine::ContainerInfoReply::StateMore;
    static constexpr auto list = std::tuple{optional("Health", &T::health)};
};

template <>
struct Fields<engine::ContainerInfoReply> {
    using T = engine::ContainerInfoReply;
    static constexpr auto list = std::tuple{
        required("Id", &T::id),
        optional("Name", &T::name),
        optional("Image", &T::image_id),
        optional("Created", &T::created),
        optional("State", &T::state),
        optional("State", &T::state_more),
        optional("RestartCount", &T::restart_count),
        optional("Config", &T::config),
        optional("Mounts", &T::mounts),
        optional("NetworkSettings", &T::network_settings),
        optional("HostConfig", &T::host)};
};

template <>
struct Fields<engine::ContainerSummary> {
    using T = engine::ContainerSummary;
    static constexpr auto list = std::tuple{
        required("Id", &T::id),
        optional("Names", &T::names),
        optional("Image", &T::image),
        optional("ImageID", &T::image_id),
        optional("Command", &T::command),
        optional("Created", &T::created),
        optional("State", &T::state),
        optional("Status", &T::status),
        optional("Labels", &T::labels),
        optional("Mounts", &T::mounts),
        optional("SizeRw", &T::size_rw),
        optional("SizeRootFs", &T::size_root_fs)};
};

template <>
struct Fields<engine::WaitReply::Failure> {
    using T = engine::WaitReply::Failure;
    static constexpr auto list = std::tuple{optional("Message", &T::message)};
};

template <>
struct Fields<engine::WaitReply> {
    using T = engine::WaitReply;
    static constexpr auto list =
        std::tuple{required("StatusCode", &T::status_code), optional("Error", &T::error)};
};

} // namespace slipway::json
