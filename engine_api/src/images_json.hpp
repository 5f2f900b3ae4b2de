#pragma once

#include "json.hpp"

#include <slipway/engine/images.hpp>

namespace slipway::json {

template <>
struct Fields<engine::ImageSummary> {
    using T = engine::ImageSummary;
    static constexpr auto list = std::tuple{
        required("Id", &T::id),
        optional("RepoTags", &T::repo_tags),
        optional("RepoDigests", &T::repo_digests),
        optional("Created", &T::created),
        optional("Size", &T::size),
        optional("SharedSize", &T::shared_size),
        optional("Containers", &T::containers),
        optional("Labels", &T::labels)};
};

template <>
struct Fields<engine::RemovedImage> {
    using T = engine::RemovedImage;
    static constexpr auto list =
        std::tuple{optional("Untagged", &T::untagged), optional("Deleted", &T::deleted)};
};

} // namespace slipway::json
