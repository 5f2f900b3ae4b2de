#include "call.hpp"
#include "prune_call.hpp"
#include "volumes_json.hpp"

#include <slipway/engine/volumes.hpp>

namespace slipway {

namespace engine {

namespace {

struct VolumeList {
    std::vector<VolumeInfo> volumes;
};

} // namespace

} // namespace engine

template <>
struct json::Fields<engine::VolumeSpec> {
    using T = engine::VolumeSpec;
    static constexpr auto list = std::tuple{
        json::optional("Name", &T::name),
        json::optional("Driver", &T::driver),
        json::optional("DriverOpts", &T::driver_options),
        json::optional("Labels", &T::labels)};
};
template <>
struct json::Fields<engine::VolumeList> {
    static constexpr auto list =
        std::tuple{json::optional("Volumes", &engine::VolumeList::volumes)};
};

namespace engine {

namespace {

Result<Request> on_volume(std::string_view method, std::string_view name)
{
    return request_on(method, "/volumes/", segment_of(name, "volume"));
}

Result<Request> create_request(const VolumeSpec& spec)
{
    TRY(std::string body, json::encode(spec));
    Request request("POST", "/volumes/create");
    request.json(std::move(body));
    return request;
}

Task<std::vector<VolumeInfo>> list_volumes(Transport& transport, Result<Request> request)
{
    CO_TRY(
        VolumeList reply,
        co_await call<VolumeList>(transport, std::move(request), "listing volumes")
    );
    co_return std::move(reply.volumes);
}

} // namespace

Task<VolumeInfo> Volumes::create(const VolumeSpec& spec)
{
    std::string doing = spec.name.empty() ? "creating a volume" : "creating volume " + spec.name;
    return call<VolumeInfo>(*transport_, create_request(spec), std::move(doing));
}

Task<VolumeInfo> Volumes::inspect(std::string_view name)
{
    return call<VolumeInfo>(
        *transport_, on_volume("GET", name), "inspecting volume " + std::string(name)
    );
}

Task<std::vector<VolumeInfo>> Volumes::list(const Filters& filters)
{
    Request request("GET", "/volumes");
    if (auto added = add_filters(request, filters); !added) {
        return refuse<std::vector<VolumeInfo>>(std::move(added).error());
    }
    return list_volumes(*transport_, std::move(request));
}

Task<std::vector<VolumeInfo>> Volumes::list()
{
    const Filters everything;
    return list(everything);
}

Task<> Volumes::remove(std::string_view name, bool force)
{
    auto request = on_volume("DELETE", name);
    if (request) request->query_flag("force", force);
    return perform(*transport_, std::move(request), "removing volume " + std::string(name));
}

Task<Pruned> Volumes::prune(const Filters& filters)
{
    Filters wanted = filters;
    if (transport_->traits().volume_prune_spares_named) wanted["all"] = {"true"};
    return engine::prune(
        *transport_, prune_request("/volumes/prune", wanted), "removing unused volumes"
    );
}

} // namespace engine

} // namespace slipway
