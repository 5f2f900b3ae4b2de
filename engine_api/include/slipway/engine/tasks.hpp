#pragma once

#include <slipway/engine/containers.hpp>
#include <slipway/engine/filters.hpp>
#include <slipway/engine/transport.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::engine {

/// The container of a task.
struct TaskContainer {
    std::string id;
    std::int64_t pid = 0; ///< on its node; 0 when it does not run
    std::int64_t exit_code = 0;
};

/// One run of what a service is about.
struct TaskInfo {
    std::string id;
    std::uint64_t version = 0;
    std::string created_at; ///< RFC 3339
    std::string updated_at; ///< RFC 3339
    std::string service_id;
    std::uint64_t slot = 0; ///< of a replicated service or job
    std::string node_id;    ///< empty: not placed yet
    /// "new", "pending", "assigned", "accepted", "preparing", "ready", "starting", "running",
    /// "complete", "failed", "rejected", "shutdown", "orphaned", "remove"; others may come.
    std::string state;
    std::string desired_state; ///< "running", "shutdown", "complete", "remove", ...
    std::string message;       ///< for people: "started", "finished"
    std::string error;         ///< "task: non-zero exit (3)", "No such image: nope:latest"
    std::string since;         ///< RFC 3339: of `state`
    std::optional<TaskContainer> container{};
    std::optional<std::uint64_t> job_iteration{}; ///< of a job
};

/// The task has reached one of the states it does not leave.
bool ended(const TaskInfo& task) noexcept;

/// The tasks of a swarm, named by id. Valid as long as the transport. Errors beside the listed ones
/// are those of Services.
class Tasks {
public:
    explicit Tasks(Transport& transport) noexcept : transport_(&transport) {}

    /// `filters`: "service", "desired-state", "node", "label", "id", "name". A swarm keeps the
    /// latest five of a slot. API: GET /tasks, 1.24+.
    Task<std::vector<TaskInfo>> list(const Filters& filters);

    /// Errors: not_found. API: GET /tasks/{id}, 1.24+.
    Task<TaskInfo> inspect(std::string_view task);

    /// As Services::logs, of one task. API: GET /tasks/{id}/logs, 1.29+.
    Task<std::unique_ptr<ResponseStream>> logs(std::string_view task, const LogOptions& options);
    Task<std::unique_ptr<ResponseStream>> logs(std::string_view, LogOptions&&) = delete;

private:
    Transport* transport_;
};

} // namespace slipway::engine
