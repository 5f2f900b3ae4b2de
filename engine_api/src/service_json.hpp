#pragma once

#include "container_spec_json.hpp"
#include "swarm_json.hpp"

#include <slipway/engine/services.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace slipway::engine {

/// A service's spec as the API nests it.
struct ServiceText {
    struct Container {
        std::string image;
        std::map<std::string, std::string> labels;
        std::vector<std::string> command;
        std::vector<std::string> args;
        std::string hostname;
        std::vector<std::string> env;
        std::string working_dir;
        std::string user;
        bool tty = false;
        std::vector<Mount> mounts;
    };
    struct Resources {
        std::optional<TaskResources> limits;
        std::optional<TaskResources> reservations;
    };
    struct Restart {
        std::string condition;
        std::optional<std::int64_t> delay;
        std::optional<std::uint64_t> max_attempts;
        std::optional<std::int64_t> window;
    };
    struct Placement {
        std::vector<std::string> constraints;
    };
    struct Network {
        std::string target;
    };
    struct Template {
        Container container;
        std::optional<Resources> resources;
        std::optional<Restart> restart;
        std::optional<Placement> placement;
        std::vector<Network> networks;
        std::uint64_t force_update = 0;
    };
    struct Mode {
        std::optional<Replicated> replicated;
        std::optional<Global> global;
        std::optional<ReplicatedJob> replicated_job;
        std::optional<GlobalJob> global_job;
    };
    std::string name;
    std::map<std::string, std::string> labels;
    Template task;
    Mode mode;
    std::optional<ServiceEndpoint> endpoint;
};

/// Errors: invalid_argument (no image, a mode that is not known, a port without a target).
Result<ServiceText> service_text(const ServiceSpec& spec);
ServiceSpec service_spec(ServiceText&& text);

} // namespace slipway::engine

namespace slipway::json {

template <>
struct Fields<engine::ServiceText::Container> {
    using T = engine::ServiceText::Container;
    static constexpr auto list = std::tuple{
        optional("Image", &T::image),
        optional("Labels", &T::labels),
        optional("Command", &T::command),
        optional("Args", &T::args),
        optional("Hostname", &T::hostname),
        optional("Env", &T::env),
        optional("Dir", &T::working_dir),
        optional("User", &T::user),
        optional("TTY", &T::tty),
        optional("Mounts", &T::mounts)};
};

template <>
struct Fields<engine::TaskResources> {
    using T = engine::TaskResources;
    static constexpr auto list = std::tuple{
        optional("NanoCPUs", &T::nano_cpus),
        optional("MemoryBytes", &T::memory),
        optional("Pids", &T::pids)};
};

template <>
struct Fields<engine::ServiceText::Resources> {
    using T = engine::ServiceText::Resources;
    static constexpr auto list =
        std::tuple{optional("Limits", &T::limits), optional("Reservations", &T::reservations)};
};

template <>
struct Fields<engine::ServiceText::Restart> {
    using T = engine::ServiceText::Restart;
    static constexpr auto list = std::tuple{
        optional("Condition", &T::condition),
        optional("Delay", &T::delay),
        optional("MaxAttempts", &T::max_attempts),
        optional("Window", &T::window)};
};

template <>
struct Fields<engine::ServiceText::Placement> {
    static constexpr auto list =
        std::tuple{optional("Constraints", &engine::ServiceText::Placement::constraints)};
};

template <>
struct Fields<engine::ServiceText::Network> {
    static constexpr auto list =
        std::tuple{optional("Target", &engine::ServiceText::Network::target)};
};

template <>
struct Fields<engine::ServiceText::Template> {
    using T = engine::ServiceText::Template;
    static constexpr auto list = std::tuple{
        optional("ContainerSpec", &T::container),
        optional("Resources", &T::resources),
        optional("RestartPolicy", &T::restart),
        optional("Placement", &T::placement),
        optional("Networks", &T::networks),
        optional("ForceUpdate", &T::force_update)};
};

template <>
struct Fields<engine::Replicated> {
    static constexpr auto list = std::tuple{optional("Replicas", &engine::Replicated::replicas)};
};

template <>
struct Fields<engine::Global> {
    static constexpr std::tuple<> list{};
};

template <>
struct Fields<engine::ReplicatedJob> {
    using T = engine::ReplicatedJob;
    static constexpr auto list = std::tuple{
        optional("MaxConcurrent", &T::max_concurrent),
        optional("TotalCompletions", &T::total_completions)};
};

template <>
struct Fields<engine::GlobalJob> {
    static constexpr std::tuple<> list{};
};

template <>
struct Fields<engine::ServiceText::Mode> {
    using T = engine::ServiceText::Mode;
    static constexpr auto list = std::tuple{
        optional("Replicated", &T::replicated),
        optional("Global", &T::global),
        optional("ReplicatedJob", &T::replicated_job),
        optional("GlobalJob", &T::global_job)};
};

template <>
struct Fields<engine::ServicePort> {
    using T = engine::ServicePort;
    static constexpr auto list = std::tuple{
        optional("Name", &T::name),
        optional("Protocol", &T::protocol),
        optional("TargetPort", &T::target),
        optional("PublishedPort", &T::published),
        optional("PublishMode", &T::publish_mode)};
};

template <>
struct Fields<engine::ServiceEndpoint> {
    using T = engine::ServiceEndpoint;
    static constexpr auto list =
        std::tuple{optional("Mode", &T::mode), optional("Ports", &T::ports)};
};

template <>
struct Fields<engine::ServiceText> {
    using T = engine::ServiceText;
    static constexpr auto list = std::tuple{
        optional("Name", &T::name),
        optional("Labels", &T::labels),
        optional("TaskTemplate", &T::task),
        optional("Mode", &T::mode),
        optional("EndpointSpec", &T::endpoint)};
};

} // namespace slipway::json
