#include "call.hpp"
#include "prune_call.hpp"
#include "volumes_json.hpp"

#include <slipway/engine/volumes.hpp>

#include <algorithm>

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

/// Of two callers who make one volume at once podman tells the second that it exists.
bool came_second(const Result<VolumeInfo>& made)
{
    return !made && made.error().code == Errc::conflict
           && made.error().message.find("volume already exists") != std::string::npos;
}

Task<VolumeInfo> create_volume(Transport& transport, VolumeSpec spec, std::string doing)
{
    auto first = create_request(spec);
    auto made = co_await call<VolumeInfo>(transport, std::move(first), doing);
    if (!came_second(made)) co_return made;
    auto again = create_request(spec);
    co_return co_await call<VolumeInfo>(transport, std::move(again), std::move(doing));
}

/// The filters in parts, each of which the engine understands as it is meant.
std::vector<Filters> askable(const Filters& filters, const Traits& traits)
{
    if (!traits.volume_filters_are_alternatives || filters.empty()) return {filters};
    std::vector<Filters> parts;
    for (const auto& [key, values] : filters) {
        if (key != "label") {
            parts.push_back({{key, values}});
            continue;
        }
        for (const std::string& label : values) {
            parts.push_back({{key, {label}}});
        }
    }
    return parts;
}

Result<std::vector<Request>> list_requests(const Filters& filters, const Traits& traits)
{
    std::vector<Request> requests;
    for (const Filters& part : askable(filters, traits)) {
        Request request("GET", "/volumes");
        CHECK_OK(add_filters(request, part));
        requests.push_back(std::move(request));
    }
    return requests;
}

bool is_among(const std::vector<VolumeInfo>& volumes, const std::string& name)
{
    return std::ranges::find(volumes, name, &VolumeInfo::name) != volumes.end();
}

/// Those that all answers have.
Task<std::vector<VolumeInfo>> list_volumes(Transport& transport, std::vector<Request> requests)
{
    std::optional<std::vector<VolumeInfo>> volumes;
    for (Request& each : requests) {
        Result<Request> request = std::move(each);
        CO_TRY(
            VolumeList reply,
            co_await call<VolumeList>(transport, std::move(request), "listing volumes")
        );
        if (!volumes) {
            volumes = std::move(reply.volumes);
            continue;
        }
        std::erase_if(*volumes, [&](const VolumeInfo& volume) {
            return !is_among(reply.volumes, volume.name);
        });
    }
    co_return volumes.value_or(std::vector<VolumeInfo>());
}

Task<> remove_volume(Transport& transport, std::string name, bool force)
{
    auto request = on_volume("DELETE", name);
    if (request) request->query_flag("force", force);
    return perform(transport, std::move(request), "removing volume " + name);
}

Task<Pruned> remove_listed(Transport& transport, std::vector<Request> requests)
{
    const std::string doing = "removing unused volumes";
    CO_TRY(const auto unused, during(co_await list_volumes(transport, std::move(requests)), doing));
    Pruned pruned;
    for (const VolumeInfo& volume : unused) {
        auto removed = co_await remove_volume(transport, volume.name, false);
        const Errc code = removed ? Errc::internal : removed.error().code;
        if (code == Errc::conflict || code == Errc::not_found) continue; // used or gone by now
        CO_CHECK(during(std::move(removed), doing));
        pruned.removed.push_back(volume.name);
    }
    co_return pruned;
}

} // namespace

Task<VolumeInfo> Volumes::create(const VolumeSpec& spec)
{
    std::string doing = spec.name.empty() ? "creating a volume" : "creating volume " + spec.name;
    return create_volume(*transport_, spec, std::move(doing));
}

Task<VolumeInfo> Volumes::inspect(std::string_view name)
{
    return call<VolumeInfo>(
        *transport_, on_volume("GET", name), "inspecting volume " + std::string(name)
    );
}

Task<std::vector<VolumeInfo>> Volumes::list(const Filters& filters)
{
    auto requests = list_requests(filters, transport_->traits());
    if (!requests) return refuse<std::vector<VolumeInfo>>(std::move(requests).error());
    return list_volumes(*transport_, *std::move(requests));
}

Task<std::vector<VolumeInfo>> Volumes::list()
{
    const Filters everything;
    return list(everything);
}

Task<> Volumes::remove(std::string_view name, bool force)
{
    return remove_volume(*transport_, std::string(name), force);
}

Task<Pruned> Volumes::prune(const Filters& filters)
{
    const Traits& traits = transport_->traits();
    Filters wanted = filters;
    if (askable(filters, traits).size() > 1) {
        wanted["dangling"].emplace_back("true");
        auto requests = list_requests(wanted, traits);
        if (!requests) return refuse<Pruned>(std::move(requests).error());
        return remove_listed(*transport_, *std::move(requests));
    }
    if (traits.volume_prune_spares_named) wanted["all"] = {"true"};
    return engine::prune(
        *transport_, prune_request("/volumes/prune", wanted), "removing unused volumes"
    );
}

} // namespace engine

} // namespace slipway
