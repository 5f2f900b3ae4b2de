#include "swarm_call.hpp"
#include "swarm_json.hpp"

#include <slipway/engine/swarm.hpp>

namespace slipway {

namespace engine {

namespace {

struct SwarmReply : SwarmInfo {
    struct Spec {
        std::string name;
    };
    SwarmVersion version_object;
    Spec spec;
};

} // namespace

} // namespace engine

template <>
struct json::Fields<engine::SwarmInit> {
    using T = engine::SwarmInit;
    static constexpr auto list = std::tuple{
        json::required("ListenAddr", &T::listen_address),
        json::optional("AdvertiseAddr", &T::advertise_address),
        json::optional("ForceNewCluster", &T::force_new_cluster)};
};
template <>
struct json::Fields<engine::SwarmReply::Spec> {
    static constexpr auto list =
        std::tuple{json::optional("Name", &engine::SwarmReply::Spec::name)};
};
template <>
struct json::Fields<engine::SwarmReply> {
    using T = engine::SwarmReply;
    static constexpr auto list = std::tuple{
        json::required("ID", &T::id),
        json::optional("Version", &T::version_object),
        json::optional("CreatedAt", &T::created_at),
        json::optional("UpdatedAt", &T::updated_at),
        json::optional("Spec", &T::spec)};
};

namespace engine {

namespace {

Result<Request> init_request(const SwarmInit& options)
{
    TRY(std::string body, json::encode(options));
    Request request("POST", "/swarm/init");
    request.json(std::move(body));
    return request;
}

Task<SwarmInfo> inspect_swarm(Transport& transport)
{
    Request request("GET", "/swarm");
    CO_TRY(
        auto reply,
        co_await call_swarm<SwarmReply>(transport, std::move(request), "inspecting the swarm")
    );
    reply.version = reply.version_object.index;
    reply.name = std::move(reply.spec.name);
    co_return static_cast<SwarmInfo&&>(reply);
}

} // namespace

Task<std::string> Swarm::init(const SwarmInit& options)
{
    return call_swarm<std::string>(*transport_, init_request(options), "making a swarm");
}

Task<SwarmInfo> Swarm::inspect()
{
    return inspect_swarm(*transport_);
}

Task<> Swarm::leave(bool force)
{
    Request request("POST", "/swarm/leave");
    request.query_flag("force", force);
    return perform_swarm(*transport_, std::move(request), "leaving the swarm");
}

} // namespace engine

} // namespace slipway
