#include "container_request.hpp"
#include "container_spec_json.hpp"

#include <slipway/engine/containers.hpp>

namespace slipway {

namespace engine {

namespace {

struct UpdateReply {
    std::vector<std::string> warnings;
};

} // namespace

} // namespace engine

template <>
struct json::Fields<engine::ContainerUpdate> {
    using T = engine::ContainerUpdate;
    static constexpr auto list = std::tuple{
        json::optional("Memory", &T::memory),
        json::optional("MemorySwap", &T::memory_swap),
        json::optional("MemoryReservation", &T::memory_reservation),
        json::optional("NanoCpus", &T::nano_cpus),
        json::optional("CpuShares", &T::cpu_shares),
        json::optional("CpuPeriod", &T::cpu_period),
        json::optional("CpuQuota", &T::cpu_quota),
        json::optional("CpusetCpus", &T::cpuset_cpus),
        json::optional("CpusetMems", &T::cpuset_mems),
        json::optional("PidsLimit", &T::pids_limit),
        json::optional("BlkioWeight", &T::blkio_weight),
        json::optional("RestartPolicy", &T::restart)};
};
template <>
struct json::Fields<engine::UpdateReply> {
    static constexpr auto list =
        std::tuple{json::optional("Warnings", &engine::UpdateReply::warnings)};
};

namespace engine {

namespace {

Result<Request> update_request(std::string_view id, const ContainerUpdate& update)
{
    TRY(std::string body, json::encode(update));
    TRY(Request request, on_container("POST", id, "/update"));
    request.json(std::move(body));
    return request;
}

Task<std::vector<std::string>>
update_container(Transport& transport, Result<Request> request, std::string doing)
{
    CO_TRY(
        UpdateReply reply,
        co_await call<UpdateReply>(transport, std::move(request), std::move(doing))
    );
    co_return std::move(reply.warnings);
}

} // namespace

Task<std::vector<std::string>>
Containers::update(std::string_view id, const ContainerUpdate& update)
{
    return update_container(
        *transport_, update_request(id, update), doing_to_container("updating", id)
    );
}

} // namespace engine

} // namespace slipway
