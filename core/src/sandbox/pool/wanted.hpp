#pragma once

#include "sandbox/pool/container.hpp"

#include <slipway/core/lease.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/images.hpp>

#include <filesystem>
#include <string>

namespace slipway::core::pool {

/// What a caller wants of a pool, and what is known of it before a sandbox is looked for.
struct Wanted {
    engine::Client client;
    SandboxSpec spec;  ///< the image as its id; the limits that this engine has
    SandboxSpec asked; ///< the same with the limits as they were asked for
    PoolOptions options;
    std::string image_name; ///< as it was asked for
    engine::ImageInfo image;
    Ids ids;
    std::filesystem::path base;
    std::string key; ///< of its entries
};

/// Asks the engine for the image, and once for what it can limit.
///
/// Errors: invalid_argument (the spec or the options make no sense), not_found (no such image),
///   unsupported (a limit that the engine cannot keep, a sandbox of a name without the agent), ...
Task<Wanted> find_out(engine::Client client, SandboxSpec spec, PoolOptions options);

} // namespace slipway::core::pool
