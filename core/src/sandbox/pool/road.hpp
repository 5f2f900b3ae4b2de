#pragma once

#include "sandbox/pool/directory.hpp"

#include <slipway/core/doctor.hpp>
#include <slipway/core/lease.hpp>
#include <slipway/engine/bytes.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/system.hpp>

#include <filesystem>
#include <memory>
#include <string>

namespace slipway::core::pool {

/// How the root of a sandbox sees the directory of the sockets, which the engine sees as `sight`:
/// where ids are mapped it is somebody else there, who has no business in it.
FileSight seen_from_inside(FileSight sight, const engine::EngineInfo& info);

/// The best road where a sandbox sees the directory of the sockets, or does not.
Road road_where(const engine::Client& client, FileSight sight);

/// For best_road; what is not known is asked again.
void remember_road(
    const engine::Client& client, const std::filesystem::path& base, FileSight sight
);

/// It did not work.
void forget_road(const engine::Client& client, const std::filesystem::path& base);

/// The best road to agents on this engine: asked once, then remembered below `base`.
Task<Road> best_road(engine::Client client, std::filesystem::path base);

/// A stream to the agent of a sandbox that runs.
///
/// Errors: not_found, unreachable (it does not run any more), engine, ...
Task<std::unique_ptr<engine::DuplexStream>>
open_road(engine::Client client, Road road, std::string container, std::filesystem::path socket);

/// What the engine sends of an output that is no terminal, without the frames around it; stderr is
/// left out.
std::unique_ptr<engine::DuplexStream> without_frames(std::unique_ptr<engine::DuplexStream> framed);

} // namespace slipway::core::pool
