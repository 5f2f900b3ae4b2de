#include "call.hpp"
#include "containers_json.hpp"
#include "images_json.hpp"
#include "volumes_json.hpp"

#include <slipway/engine/system.hpp>

#include <algorithm>

namespace slipway {

namespace engine {

namespace {

/// What API 1.52 says of one kind.
template <class Item>
struct UsageOfKind : UsageTotals {
    std::vector<Item> items;
};

/// Both forms of the answer: the newer one comes from API 1.52 on when it is asked to be verbose.
struct DiskUsageReply {
    std::int64_t layers_size = 0;
    std::vector<ImageSummary> images;
    std::vector<ContainerSummary> containers;
    std::vector<VolumeInfo> volumes;
    std::vector<CacheRecord> build_cache;
    std::optional<UsageOfKind<ImageSummary>> image_usage;
    std::optional<UsageOfKind<ContainerSummary>> container_usage;
    std::optional<UsageOfKind<VolumeInfo>> volume_usage;
    std::optional<UsageOfKind<CacheRecord>> cache_usage;
};

} // namespace

} // namespace engine

template <>
struct json::Fields<engine::CacheRecord> {
    using T = engine::CacheRecord;
    static constexpr auto list = std::tuple{
        json::required("ID", &T::id),
        json::optional("Type", &T::type),
        json::optional("Description", &T::description),
        json::optional("InUse", &T::in_use),
        json::optional("Shared", &T::shared),
        json::optional("Size", &T::size),
        json::optional("CreatedAt", &T::created_at),
        json::optional("LastUsedAt", &T::last_used_at),
        json::optional("UsageCount", &T::usage_count)};
};
template <class Item>
struct json::Fields<engine::UsageOfKind<Item>> {
    using T = engine::UsageOfKind<Item>;
    static constexpr auto list = std::tuple{
        json::optional("ActiveCount", &T::active),
        json::optional("TotalCount", &T::count),
        json::optional("TotalSize", &T::bytes),
        json::optional("Reclaimable", &T::reclaimable_bytes),
        json::optional("Items", &T::items)};
};
template <>
struct json::Fields<engine::DiskUsageReply> {
    using T = engine::DiskUsageReply;
    static constexpr auto list = std::tuple{
        json::optional("LayersSize", &T::layers_size),
        json::optional("Images", &T::images),
        json::optional("Containers", &T::containers),
        json::optional("Volumes", &T::volumes),
        json::optional("BuildCache", &T::build_cache),
        json::optional("ImageUsage", &T::image_usage),
        json::optional("ContainerUsage", &T::container_usage),
        json::optional("VolumeUsage", &T::volume_usage),
        json::optional("BuildCacheUsage", &T::cache_usage)};
};

namespace engine {

namespace {

constexpr ApiVersion disk_usage_types_api{1, 42};
constexpr ApiVersion disk_usage_verbose_api{1, 52};

std::int64_t at_least_zero(std::int64_t number)
{
    return std::max<std::int64_t>(number, 0);
}

UsageTotals totals_of(const std::vector<ImageSummary>& images, std::int64_t layers_size)
{
    UsageTotals out;
    std::int64_t sum = 0;
    std::int64_t used = 0;
    for (const ImageSummary& image : images) {
        ++out.count;
        sum += image.size;
        if (image.containers == 0) continue;
        ++out.active;
        used += image.size - at_least_zero(image.shared_size);
    }
    out.bytes = layers_size > 0 ? layers_size : sum; // podman 4 says 0
    out.reclaimable_bytes = at_least_zero(out.bytes - used);
    return out;
}

UsageTotals totals_of(const std::vector<ContainerSummary>& containers)
{
    UsageTotals out;
    for (const ContainerSummary& container : containers) {
        const bool active = container.state == "running" || container.state == "paused"
                            || container.state == "restarting";
        const std::int64_t size = container.size_rw.value_or(0);
        ++out.count;
        out.bytes += size;
        active ? ++out.active : out.reclaimable_bytes += size;
    }
    return out;
}

UsageTotals totals_of(const std::vector<VolumeInfo>& volumes)
{
    UsageTotals out;
    for (const VolumeInfo& volume : volumes) {
        const VolumeUsage usage = volume.usage.value_or(VolumeUsage());
        const std::int64_t size = at_least_zero(usage.size);
        ++out.count;
        out.bytes += size;
        if (usage.containers > 0) ++out.active;
        if (usage.containers == 0) out.reclaimable_bytes += size;
    }
    return out;
}

UsageTotals totals_of(const std::vector<CacheRecord>& cache)
{
    UsageTotals out;
    for (const CacheRecord& record : cache) {
        ++out.count;
        if (record.in_use) ++out.active;
        if (record.shared) continue; // its bytes are those of an image
        out.bytes += record.size;
        if (!record.in_use) out.reclaimable_bytes += record.size;
    }
    return out;
}

template <class Item>
void take_usage(
    UsageTotals& totals, std::vector<Item>& items, std::optional<UsageOfKind<Item>>&& newer
)
{
    if (!newer) return;
    totals = static_cast<const UsageTotals&>(*newer);
    items = std::move(newer->items);
}

DiskUsage disk_usage_from(DiskUsageReply&& reply)
{
    DiskUsage out;
    out.image_totals = totals_of(reply.images, reply.layers_size);
    out.container_totals = totals_of(reply.containers);
    out.volume_totals = totals_of(reply.volumes);
    out.cache_totals = totals_of(reply.build_cache);
    out.images = std::move(reply.images);
    out.containers = std::move(reply.containers);
    out.volumes = std::move(reply.volumes);
    out.build_cache = std::move(reply.build_cache);
    take_usage(out.image_totals, out.images, std::move(reply.image_usage));
    take_usage(out.container_totals, out.containers, std::move(reply.container_usage));
    take_usage(out.volume_totals, out.volumes, std::move(reply.volume_usage));
    take_usage(out.cache_totals, out.build_cache, std::move(reply.cache_usage));
    for (ContainerSummary& container : out.containers) {
        drop_slashes(container.names);
    }
    return out;
}

Result<Request> disk_usage_request(DiskUsageOf what, ApiVersion api)
{
    if (!what.images && !what.containers && !what.volumes && !what.build_cache) {
        return fail(Errc::invalid_argument, "there is no kind of object to look at");
    }
    Request request("GET", "/system/df");
    const bool all = what.images && what.containers && what.volumes && what.build_cache;
    if (!all && api >= disk_usage_types_api) {
        if (what.images) request.query("type", "image");
        if (what.containers) request.query("type", "container");
        if (what.volumes) request.query("type", "volume");
        if (what.build_cache) request.query("type", "build-cache");
    }
    request.query_flag("verbose", api >= disk_usage_verbose_api).deadline(disk_work);
    return request;
}

Task<DiskUsage> ask_disk_usage(Transport& transport, Result<Request> request)
{
    const char* const doing = "asking the engine what takes up its disk";
    CO_TRY(auto reply, co_await call<DiskUsageReply>(transport, std::move(request), doing));
    co_return disk_usage_from(std::move(reply));
}

} // namespace

Task<DiskUsage> System::disk_usage(DiskUsageOf what)
{
    return ask_disk_usage(*transport_, disk_usage_request(what, transport_->traits().api));
}

Task<DiskUsage> System::disk_usage()
{
    return disk_usage(DiskUsageOf());
}

} // namespace engine

} // namespace slipway
