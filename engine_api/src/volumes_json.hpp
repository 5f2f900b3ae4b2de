#pragma once

#include "json.hpp"

#include <slipway/engine/volumes.hpp>

namespace slipway::json {

template <>
struct Fields<engine::VolumeUsage> {
    using T = engine::VolumeUsage;
    static constexpr auto list =
        std::tuple{optional("Size", &T::size), optional("RefCount", &T::containers)};
};

template <>
struct Fields<engine::VolumeInfo> {
    using T = engine::VolumeInfo;
    static constexpr auto list = std::tuple{
        required("Name", &T::name),
        optional("Driver", &T::driver),
        optional("Mountpoint", &T::mountpoint),
        optional("CreatedAt", &T::created_at),
        optional("Scope", &T::scope),
        optional("Labels", &T::labels),
        optional("Options", &T::options),
        optional("UsageData", &T::usage)};
};

} // namespace slipway::json
