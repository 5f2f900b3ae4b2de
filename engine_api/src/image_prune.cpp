#include "call.hpp"
#include "images_json.hpp"
#include "prune_call.hpp"

#include <slipway/engine/images.hpp>

#include <iterator>

namespace slipway {

template <>
struct json::Fields<engine::PrunedImages> {
    using T = engine::PrunedImages;
    static constexpr auto list = std::tuple{
        json::optional("ImagesDeleted", &T::removed),
        json::optional("SpaceReclaimed", &T::reclaimed_bytes)};
};

namespace engine {

namespace {

constexpr const char* pruning_images = "removing unused images";

Task<PrunedImages> prune_once(Transport& transport, Filters filters)
{
    auto request = prune_request("/images/prune", filters);
    return call<PrunedImages>(transport, std::move(request), pruning_images);
}

/// First those with a name, whose parents may have none.
Task<PrunedImages> prune_twice(Transport& transport, Filters named, Filters dangling)
{
    CO_TRY(PrunedImages all, co_await prune_once(transport, std::move(named)));
    CO_TRY(PrunedImages more, co_await prune_once(transport, std::move(dangling)));
    std::ranges::move(more.removed, std::back_inserter(all.removed));
    all.reclaimed_bytes += more.reclaimed_bytes;
    co_return all;
}

Task<PrunedImages> refuse_prune()
{
    Error error(Errc::unsupported, "this podman removes only images without a name");
    error.hint = "remove the others by name, or update podman to 4.8";
    error.context.emplace_back(pruning_images);
    return refuse<PrunedImages>(std::move(error));
}

} // namespace

Task<PrunedImages> Images::prune(const PruneImages& options)
{
    if (!options.named) return prune_once(*transport_, options.filters);
    Filters named = options.filters;
    named["dangling"] = {"false"};
    switch (transport_->traits().prune_tagged) {
    case PruneTagged::refused:
        return refuse_prune();
    case PruneTagged::alone:
        return prune_twice(*transport_, std::move(named), options.filters);
    case PruneTagged::with_dangling:
        break;
    }
    return prune_once(*transport_, std::move(named));
}

} // namespace engine

} // namespace slipway
