#include "swarm_call.hpp"
#include "swarm_json.hpp"

#include <slipway/engine/tasks.hpp>

#include <algorithm>
#include <array>

namespace slipway {

namespace engine {

namespace {

struct TaskReply : TaskInfo {
    struct Status {
        std::string since;
        std::string state;
        std::string message;
        std::string error;
        std::optional<TaskContainer> container;
    };
    SwarmVersion version_object;
    Status status;
    std::optional<SwarmVersion> iteration;
};

} // namespace

} // namespace engine

template <>
struct json::Fields<engine::TaskContainer> {
    using T = engine::TaskContainer;
    static constexpr auto list = std::tuple{
        json::optional("ContainerID", &T::id),
        json::optional("PID", &T::pid),
        json::optional("ExitCode", &T::exit_code)};
};
template <>
struct json::Fields<engine::TaskReply::Status> {
    using T = engine::TaskReply::Status;
    static constexpr auto list = std::tuple{
        json::optional("Timestamp", &T::since),
        json::optional("State", &T::state),
        json::optional("Message", &T::message),
        json::optional("Err", &T::error),
        json::optional("ContainerStatus", &T::container)};
};
template <>
struct json::Fields<engine::TaskReply> {
    using T = engine::TaskReply;
    static constexpr auto list = std::tuple{
        json::required("ID", &T::id),
        json::optional("Version", &T::version_object),
        json::optional("CreatedAt", &T::created_at),
        json::optional("UpdatedAt", &T::updated_at),
        json::optional("ServiceID", &T::service_id),
        json::optional("Slot", &T::slot),
        json::optional("NodeID", &T::node_id),
        json::optional("Status", &T::status),
        json::optional("DesiredState", &T::desired_state),
        json::optional("JobIteration", &T::iteration)};
};

namespace engine {

namespace {

Result<Request> on_task(std::string_view task, std::string_view suffix = {})
{
    return request_on("GET", "/tasks/", segment_of(task, "task"), suffix);
}

TaskInfo task_from(TaskReply&& reply)
{
    reply.version = reply.version_object.index;
    reply.state = std::move(reply.status.state);
    reply.message = std::move(reply.status.message);
    reply.error = std::move(reply.status.error);
    reply.since = std::move(reply.status.since);
    reply.container = std::move(reply.status.container);
    if (reply.iteration) reply.job_iteration = reply.iteration->index;
    return static_cast<TaskInfo&&>(reply);
}

Task<TaskInfo> inspect_task(Transport& transport, Result<Request> request, std::string doing)
{
    CO_TRY(
        auto reply, co_await call_swarm<TaskReply>(transport, std::move(request), std::move(doing))
    );
    co_return task_from(std::move(reply));
}

Task<std::vector<TaskInfo>> list_tasks(Transport& transport, Result<Request> request)
{
    using Reply = std::vector<TaskReply>;
    CO_TRY(Reply reply, co_await call_swarm<Reply>(transport, std::move(request), "listing tasks"));
    std::vector<TaskInfo> tasks;
    tasks.reserve(reply.size());
    for (TaskReply& one : reply) {
        tasks.push_back(task_from(std::move(one)));
    }
    co_return tasks;
}

} // namespace

bool ended(const TaskInfo& task) noexcept
{
    static constexpr auto last = std::to_array<std::string_view>(
        {"complete", "failed", "rejected", "shutdown", "orphaned", "remove"}
    );
    return std::ranges::find(last, task.state) != last.end();
}

Task<std::vector<TaskInfo>> Tasks::list(const Filters& filters)
{
    Request request("GET", "/tasks");
    if (auto added = add_filters(request, filters); !added) {
        return refuse<std::vector<TaskInfo>>(std::move(added).error());
    }
    return list_tasks(*transport_, std::move(request));
}

Task<TaskInfo> Tasks::inspect(std::string_view task)
{
    return inspect_task(*transport_, on_task(task), "inspecting task " + std::string(task));
}

Task<std::unique_ptr<ResponseStream>> Tasks::logs(std::string_view task, const LogOptions& options)
{
    std::string doing = "reading the log of task " + std::string(task);
    return open_swarm_log(*transport_, on_task(task, "/logs"), options, std::move(doing));
}

} // namespace engine

} // namespace slipway
