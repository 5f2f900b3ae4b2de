#include "auth_header.hpp"
#include "service_json.hpp"
#include "swarm_call.hpp"

#include <slipway/engine/services.hpp>

namespace slipway {

namespace engine {

namespace {

struct JobText {
    SwarmVersion iteration;
    std::string last_execution;
};

struct PublishedService {
    std::vector<ServicePort> ports;
};

struct ServiceReply {
    std::string id;
    SwarmVersion version;
    std::string created_at;
    std::string updated_at;
    ServiceText spec;
    PublishedService published;
    std::optional<JobText> job;
    std::optional<ServiceTasks> tasks;
};

struct ServiceWarnings {
    std::vector<std::string> warnings;
};

} // namespace

} // namespace engine

template <>
struct json::Fields<engine::JobText> {
    using T = engine::JobText;
    static constexpr auto list = std::tuple{
        json::optional("JobIteration", &T::iteration),
        json::optional("LastExecution", &T::last_execution)};
};
template <>
struct json::Fields<engine::ServiceTasks> {
    using T = engine::ServiceTasks;
    static constexpr auto list = std::tuple{
        json::optional("RunningTasks", &T::running),
        json::optional("DesiredTasks", &T::desired),
        json::optional("CompletedTasks", &T::completed)};
};
template <>
struct json::Fields<engine::PublishedService> {
    static constexpr auto list =
        std::tuple{json::optional("Ports", &engine::PublishedService::ports)};
};
template <>
struct json::Fields<engine::ServiceReply> {
    using T = engine::ServiceReply;
    static constexpr auto list = std::tuple{
        json::required("ID", &T::id),
        json::optional("Version", &T::version),
        json::optional("CreatedAt", &T::created_at),
        json::optional("UpdatedAt", &T::updated_at),
        json::optional("Spec", &T::spec),
        json::optional("Endpoint", &T::published),
        json::optional("JobStatus", &T::job),
        json::optional("ServiceStatus", &T::tasks)};
};
template <>
struct json::Fields<engine::CreatedService> {
    using T = engine::CreatedService;
    static constexpr auto list =
        std::tuple{json::required("ID", &T::id), json::optional("Warning", &T::warning)};
};
template <>
struct json::Fields<engine::ServiceWarnings> {
    static constexpr auto list =
        std::tuple{json::optional("Warnings", &engine::ServiceWarnings::warnings)};
};

namespace engine {

namespace {

constexpr ApiVersion jobs_api{1, 41};

Result<Request>
on_service(std::string_view method, std::string_view service, std::string_view suffix = {})
{
    return request_on(method, "/services/", segment_of(service, "service"), suffix);
}

std::string doing_to_service(std::string_view what, std::string_view service)
{
    return std::string(what) + " service " + std::string(service);
}

ServiceInfo service_from(ServiceReply&& reply)
{
    ServiceInfo info;
    info.id = std::move(reply.id);
    info.version = reply.version.index;
    info.created_at = std::move(reply.created_at);
    info.updated_at = std::move(reply.updated_at);
    info.spec = service_spec(std::move(reply.spec));
    info.ports = std::move(reply.published.ports);
    if (reply.job) {
        info.job = JobStatus{reply.job->iteration.index, std::move(reply.job->last_execution)};
    }
    info.tasks = reply.tasks;
    return info;
}

/// An engine that does not know jobs would take one for a service.
Result<> check_mode(const ServiceMode& mode, ApiVersion api)
{
    const bool job =
        std::holds_alternative<ReplicatedJob>(mode) || std::holds_alternative<GlobalJob>(mode);
    if (!job || api >= jobs_api) return ok();
    return fail(
        Errc::unsupported, "API " + to_string(api) + " has no jobs, " + to_string(jobs_api) + " has"
    );
}

/// Adds the spec, and who pulls its image.
Result<Request> with_service(
    Result<Request> request, const ServiceSpec& spec, const RegistryAuth* auth, ApiVersion api
)
{
    if (!request) return request;
    CHECK_OK(check_mode(spec.mode, api));
    TRY(const ServiceText text, service_text(spec));
    TRY(std::string body, json::encode(text));
    request->json(std::move(body));
    if (auth != nullptr) {
        CHECK_OK(add_auth(*request, *auth));
    }
    return request;
}

Result<Request> update_service_request(
    std::string_view service,
    std::uint64_t version,
    const ServiceSpec& spec,
    const RegistryAuth* auth,
    ApiVersion api
)
{
    auto request = on_service("POST", service, "/update");
    if (request) request->query("version", std::to_string(version));
    return with_service(std::move(request), spec, auth, api);
}

Task<ServiceInfo> inspect_service(Transport& transport, Result<Request> request, std::string doing)
{
    CO_TRY(
        auto reply,
        co_await call_swarm<ServiceReply>(transport, std::move(request), std::move(doing))
    );
    co_return service_from(std::move(reply));
}

Task<std::vector<ServiceInfo>> list_services(Transport& transport, Result<Request> request)
{
    using Reply = std::vector<ServiceReply>;
    CO_TRY(
        Reply reply, co_await call_swarm<Reply>(transport, std::move(request), "listing services")
    );
    std::vector<ServiceInfo> services;
    services.reserve(reply.size());
    for (ServiceReply& one : reply) {
        services.push_back(service_from(std::move(one)));
    }
    co_return services;
}

Task<std::vector<std::string>>
update_service(Transport& transport, Result<Request> request, std::string doing)
{
    auto reply =
        co_await call_swarm<ServiceWarnings>(transport, std::move(request), std::move(doing));
    if (reply) co_return std::move(reply->warnings);
    Error error = std::move(reply).error();
    // dockerd says 500 to a version that is not the latest.
    if (error.message.find("update out of sequence") != std::string::npos) {
        error.code = Errc::conflict;
        error.hint = "somebody else changed the service: inspect it and try again";
    }
    co_return fail(std::move(error));
}

} // namespace

Task<std::vector<ServiceInfo>> Services::list(const ListServices& options)
{
    Request request("GET", "/services");
    request.query_flag("status", options.tasks);
    if (auto added = add_filters(request, options.filters); !added) {
        return refuse<std::vector<ServiceInfo>>(std::move(added).error());
    }
    return list_services(*transport_, std::move(request));
}

Task<ServiceInfo> Services::inspect(std::string_view service)
{
    return inspect_service(
        *transport_, on_service("GET", service), doing_to_service("inspecting", service)
    );
}

Task<CreatedService> Services::create(const ServiceSpec& spec)
{
    const Request request("POST", "/services/create");
    return call_swarm<CreatedService>(
        *transport_,
        with_service(request, spec, nullptr, transport_->traits().api),
        doing_to_service("creating", spec.name)
    );
}

Task<CreatedService> Services::create(const ServiceSpec& spec, const RegistryAuth& auth)
{
    const Request request("POST", "/services/create");
    return call_swarm<CreatedService>(
        *transport_,
        with_service(request, spec, &auth, transport_->traits().api),
        doing_to_service("creating", spec.name)
    );
}

Task<std::vector<std::string>>
Services::update(std::string_view service, std::uint64_t version, const ServiceSpec& spec)
{
    const ApiVersion api = transport_->traits().api;
    return update_service(
        *transport_,
        update_service_request(service, version, spec, nullptr, api),
        doing_to_service("updating", service)
    );
}

Task<std::vector<std::string>> Services::update(
    std::string_view service,
    std::uint64_t version,
    const ServiceSpec& spec,
    const RegistryAuth& auth
)
{
    const ApiVersion api = transport_->traits().api;
    return update_service(
        *transport_,
        update_service_request(service, version, spec, &auth, api),
        doing_to_service("updating", service)
    );
}

Task<> Services::remove(std::string_view service)
{
    return perform_swarm(
        *transport_, on_service("DELETE", service), doing_to_service("removing", service)
    );
}

Task<std::unique_ptr<ResponseStream>>
Services::logs(std::string_view service, const LogOptions& options)
{
    std::string doing = doing_to_service("reading the log of", service);
    return open_swarm_log(
        *transport_, on_service("GET", service, "/logs"), options, std::move(doing)
    );
}

} // namespace engine

} // namespace slipway
