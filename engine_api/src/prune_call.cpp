#include "prune_call.hpp"

#include "call.hpp"

namespace slipway {

/// Each kind of object has its own name for the list, and only networks have no bytes.
template <>
struct json::Fields<engine::Pruned> {
    using T = engine::Pruned;
    static constexpr auto list = std::tuple{
        json::optional("ContainersDeleted", &T::removed),
        json::optional("VolumesDeleted", &T::removed),
        json::optional("NetworksDeleted", &T::removed),
        json::optional("CachesDeleted", &T::removed),
        json::optional("SpaceReclaimed", &T::reclaimed_bytes)};
};

namespace engine {

Result<Request> prune_request(std::string path, const Filters& filters)
{
    Request request("POST", std::move(path));
    CHECK_OK(add_filters(request, filters));
    request.deadline(disk_work);
    return request;
}

Task<Pruned> prune(Transport& transport, Result<Request> request, std::string doing)
{
    return call<Pruned>(transport, std::move(request), std::move(doing));
}

} // namespace engine

} // namespace slipway
