#include "service_json.hpp"

#include <algorithm>

namespace slipway::engine {

namespace {

std::optional<std::int64_t> count_of(const std::optional<std::chrono::nanoseconds>& time)
{
    if (!time) return std::nullopt;
    return time->count();
}

std::optional<std::chrono::nanoseconds> time_of(const std::optional<std::int64_t>& count)
{
    if (!count) return std::nullopt;
    return std::chrono::nanoseconds(*count);
}

ServiceText::Container container_text(const TaskSpec& task)
{
    ServiceText::Container text;
    text.image = task.image;
    text.labels = task.labels;
    text.command = task.command;
    text.args = task.args;
    text.hostname = task.hostname;
    text.env = task.env;
    text.working_dir = task.working_dir;
    text.user = task.user;
    text.tty = task.tty;
    text.mounts = task.mounts;
    return text;
}

ServiceText::Template template_text(const TaskSpec& task)
{
    ServiceText::Template text;
    text.container = container_text(task);
    if (task.limits || task.reservations) {
        text.resources = ServiceText::Resources{task.limits, task.reservations};
    }
    if (task.restart) {
        ServiceText::Restart& restart = text.restart.emplace();
        restart.condition = task.restart->condition;
        restart.delay = count_of(task.restart->delay);
        restart.max_attempts = task.restart->max_attempts;
        restart.window = count_of(task.restart->window);
    }
    if (!task.constraints.empty()) text.placement = ServiceText::Placement{task.constraints};
    for (const std::string& network : task.networks) {
        text.networks.push_back({network});
    }
    text.force_update = task.force_update;
    return text;
}

ServiceText::Mode mode_text(const ServiceMode& mode)
{
    ServiceText::Mode text;
    if (const auto* replicated = std::get_if<Replicated>(&mode)) text.replicated = *replicated;
    if (const auto* job = std::get_if<ReplicatedJob>(&mode)) text.replicated_job = *job;
    if (std::holds_alternative<Global>(mode)) text.global.emplace();
    if (std::holds_alternative<GlobalJob>(mode)) text.global_job.emplace();
    return text;
}

ServiceMode mode_from(const ServiceText::Mode& text)
{
    if (text.replicated) return *text.replicated;
    if (text.global) return Global{};
    if (text.replicated_job) return *text.replicated_job;
    if (text.global_job) return GlobalJob{};
    return {};
}

TaskSpec task_spec_from(ServiceText::Template&& text)
{
    TaskSpec task;
    ServiceText::Container& container = text.container;
    task.image = std::move(container.image);
    task.labels = std::move(container.labels);
    task.command = std::move(container.command);
    task.args = std::move(container.args);
    task.hostname = std::move(container.hostname);
    task.env = std::move(container.env);
    task.working_dir = std::move(container.working_dir);
    task.user = std::move(container.user);
    task.tty = container.tty;
    task.mounts = std::move(container.mounts);
    if (text.resources) {
        task.limits = text.resources->limits;
        task.reservations = text.resources->reservations;
    }
    if (text.restart) {
        TaskRestart& restart = task.restart.emplace();
        restart.condition = std::move(text.restart->condition);
        restart.delay = time_of(text.restart->delay);
        restart.max_attempts = text.restart->max_attempts;
        restart.window = time_of(text.restart->window);
    }
    if (text.placement) task.constraints = std::move(text.placement->constraints);
    for (ServiceText::Network& network : text.networks) {
        task.networks.push_back(std::move(network.target));
    }
    task.force_update = text.force_update;
    return task;
}

} // namespace

Result<ServiceText> service_text(const ServiceSpec& spec)
{
    if (spec.task.image.empty()) {
        return fail(Errc::invalid_argument, "the service has no image to run");
    }
    if (std::holds_alternative<std::monostate>(spec.mode)) {
        return fail(Errc::invalid_argument, "the service has no mode that is known here");
    }
    const bool aimless =
        spec.endpoint && std::ranges::any_of(spec.endpoint->ports, [](const ServicePort& port) {
            return port.target == 0;
        });
    if (aimless) {
        return fail(Errc::invalid_argument, "a port of the service has no target in its tasks");
    }
    ServiceText text;
    text.name = spec.name;
    text.labels = spec.labels;
    text.task = template_text(spec.task);
    text.mode = mode_text(spec.mode);
    text.endpoint = spec.endpoint;
    return text;
}

ServiceSpec service_spec(ServiceText&& text)
{
    ServiceSpec spec;
    spec.name = std::move(text.name);
    spec.labels = std::move(text.labels);
    spec.mode = mode_from(text.mode);
    spec.endpoint = std::move(text.endpoint);
    spec.task = task_spec_from(std::move(text.task));
    return spec;
}

} // namespace slipway::engine
