#pragma once

#include <slipway/engine/auth.hpp>
#include <slipway/engine/container_spec.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/filters.hpp>
#include <slipway/engine/transport.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace slipway::engine {

/// When a task that ended is started again.
struct TaskRestart {
    std::string condition = "any"; ///< "none", "on-failure", "any"; the first two for jobs
    std::optional<std::chrono::nanoseconds> delay{};  ///< before it; 5 s when absent
    std::optional<std::uint64_t> max_attempts{};      ///< absent: no limit
    std::optional<std::chrono::nanoseconds> window{}; ///< in which attempts are counted
};

/// What each task may use, or needs. 0: no limit.
struct TaskResources {
    std::int64_t nano_cpus = 0; ///< 1e-9 CPU
    std::int64_t memory = 0;    ///< bytes
    std::int64_t pids = 0;      ///< a limit only; API 1.41+
};

/// What every task of a service runs.
struct TaskSpec {
    std::string image;                ///< reference; required
    std::vector<std::string> command; ///< in the place of the image's ENTRYPOINT
    std::vector<std::string> args;    ///< in the place of its CMD
    std::vector<std::string> env;     ///< "NAME=value"
    std::string working_dir;
    std::string user;
    std::string hostname;
    std::map<std::string, std::string> labels; ///< of the containers
    bool tty = false;                          ///< the log is then raw and not framed
    std::vector<Mount> mounts;
    std::optional<TaskRestart> restart{};
    std::optional<TaskResources> limits{};
    std::optional<TaskResources> reservations{};
    std::vector<std::string> constraints; ///< "node.role==manager"
    std::vector<std::string> networks;    ///< ids or names of the swarm's
    std::uint64_t force_update = 0;       ///< another number runs all tasks anew
};

/// So many tasks at a time, for ever.
struct Replicated {
    std::optional<std::uint64_t> replicas{}; ///< 1 when absent
};
/// One task on each node, for ever.
struct Global {};
/// Tasks until so many have succeeded. Failed ones are replaced, within TaskRestart.
struct ReplicatedJob {
    std::optional<std::uint64_t> max_concurrent{};    ///< 1 when absent
    std::optional<std::uint64_t> total_completions{}; ///< `max_concurrent` when absent
};
/// One task on each node until it has succeeded.
struct GlobalJob {};
/// Holds std::monostate for a mode that is not known here.
using ServiceMode = std::variant<std::monostate, Replicated, Global, ReplicatedJob, GlobalJob>;

/// A port of a service's tasks, and where it is reached on the nodes of the swarm.
struct ServicePort {
    std::string name;
    std::string protocol = "tcp"; ///< "tcp", "udp", "sctp"
    std::uint16_t target = 0;     ///< of the tasks; required
    /// Of the nodes. Absent: the swarm chooses, from 30000 on ("ingress"), or the node ("host").
    std::optional<std::uint16_t> published{};
    /// "ingress": every node leads to some task. "host": each node to its own.
    std::string publish_mode = "ingress";
};

/// How a service is found and reached.
struct ServiceEndpoint {
    /// "vip": its name is one address for all tasks. "dnsrr": it is the addresses of all tasks, and
    /// the ports have to be of the mode "host".
    std::string mode = "vip";
    std::vector<ServicePort> ports;
};

struct ServiceSpec {
    std::string name; ///< empty: the engine chooses one
    std::map<std::string, std::string> labels;
    TaskSpec task;
    ServiceMode mode = Replicated{};
    std::optional<ServiceEndpoint> endpoint{}; ///< absent: "vip", without ports
};

struct CreatedService {
    std::string id;
    std::string warning; ///< the engine's text: show it, never parse it
};

/// Where a job stands.
struct JobStatus {
    std::uint64_t iteration = 0; ///< counts the updates that ran it anew
    std::string last_execution;  ///< RFC 3339
};

struct ServiceTasks {
    std::uint64_t running = 0;
    std::uint64_t desired = 0;
    std::uint64_t completed = 0; ///< of a job, of its latest iteration
};

struct ServiceInfo {
    std::string id;
    std::uint64_t version = 0;      ///< what `update` wants to hear
    std::string created_at;         ///< RFC 3339
    std::string updated_at;         ///< RFC 3339
    ServiceSpec spec;               ///< as far as these structs know it
    std::vector<ServicePort> ports; ///< as they are published; follows the spec a little later
    std::optional<JobStatus> job{};
    std::optional<ServiceTasks> tasks{}; ///< where they were asked for
};

struct ListServices {
    Filters filters;    ///< "id", "name", "label", "mode"
    bool tasks = false; ///< count the tasks too; API 1.41+
};

/// The services of a swarm, named by id, a unique start of it, or name. Valid as long as the
/// transport. Errors beside the listed ones are those of Containers, and conflict (this engine is
/// no manager of a swarm) and unsupported (podman: see Traits::can_swarm). Aggregates are passed as
/// named objects, for the same reason as there.
class Services {
public:
    explicit Services(Transport& transport) noexcept : transport_(&transport) {}

    /// API: GET /services, 1.24+; `status` 1.41+.
    Task<std::vector<ServiceInfo>> list(const ListServices& options);
    Task<std::vector<ServiceInfo>> list(ListServices&& options) = delete;

    /// Errors: not_found. API: GET /services/{id}, 1.24+.
    Task<ServiceInfo> inspect(std::string_view service);

    /// Returns when the swarm has written it down; tasks follow. `auth` goes to the nodes that pull
    /// the image.
    /// Errors: invalid_argument (no image, a name that is none, a mode that is not known, a port
    ///   without a target or with one in use), conflict (name in use), unsupported (a job below API
    ///   1.41).
    /// API: POST /services/create, 1.24+. Source: api/swagger.yaml of moby, API 1.41 to 1.55.
    Task<CreatedService> create(const ServiceSpec& spec);
    Task<CreatedService> create(const ServiceSpec& spec, const RegistryAuth& auth);
    Task<CreatedService> create(ServiceSpec&& spec) = delete;
    Task<CreatedService> create(ServiceSpec&&, const RegistryAuth&) = delete;
    Task<CreatedService> create(const ServiceSpec&, RegistryAuth&&) = delete;
    Task<CreatedService> create(ServiceSpec&&, RegistryAuth&&) = delete;

    /// Gives a service another spec, the whole of it: what ServiceSpec does not know is lost.
    /// A job is run anew by the same spec with another `force_update`. Returns warnings.
    /// Errors: not_found, conflict (`version` is not the latest: inspect again),
    ///   invalid_argument (a change of mode). API: POST /services/{id}/update, 1.24+.
    Task<std::vector<std::string>>
    update(std::string_view service, std::uint64_t version, const ServiceSpec& spec);
    Task<std::vector<std::string>> update(
        std::string_view service,
        std::uint64_t version,
        const ServiceSpec& spec,
        const RegistryAuth& auth
    );
    Task<std::vector<std::string>> update(std::string_view, std::uint64_t, ServiceSpec&&) = delete;
    Task<std::vector<std::string>>
    update(std::string_view, std::uint64_t, ServiceSpec&&, const RegistryAuth&) = delete;
    Task<std::vector<std::string>>
    update(std::string_view, std::uint64_t, const ServiceSpec&, RegistryAuth&&) = delete;
    Task<std::vector<std::string>>
    update(std::string_view, std::uint64_t, ServiceSpec&&, RegistryAuth&&) = delete;

    /// Its tasks end after that; dockerd keeps the containers of a job that ended.
    /// Errors: not_found. API: DELETE /services/{id}, 1.24+.
    Task<> remove(std::string_view service);

    /// What all its tasks wrote, in no order between tasks: frames, raw bytes with a terminal.
    /// `follow` ends with the service. Errors: not_found, invalid_argument (neither output asked
    ///   for; `until`, which this route has not). API: GET /services/{id}/logs, 1.29+.
    Task<std::unique_ptr<ResponseStream>> logs(std::string_view service, const LogOptions& options);
    Task<std::unique_ptr<ResponseStream>> logs(std::string_view, LogOptions&&) = delete;

private:
    Transport* transport_;
};

} // namespace slipway::engine
