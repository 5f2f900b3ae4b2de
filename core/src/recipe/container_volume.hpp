#pragma once

#include <slipway/core/workspace.hpp>
#include <slipway/engine/result.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace slipway::core {

/// What a flag of `docker run` that mounts something stands with: `place` of the flags, for errors;
/// `typed`, as "-v"; `directory`, from which a relative path starts.
struct VolumeFlag {
    std::string place;
    std::string typed;
    std::filesystem::path directory;
};

/// The value of -v: "DIRECTORY:DIRECTORY[:ro]", where both are the same one. Labels for SELinux and
/// hints on caches change nothing.
///
/// Errors: invalid_argument (no such directory, one of the system's), unsupported (another path in
///   the container, a volume of the engine's, other options).
Result<BesideWorkspace> read_volume(std::string_view value, const VolumeFlag& flag);

/// The value of --mount: "type=bind,source=DIRECTORY,target=DIRECTORY[,readonly]". As read_volume.
Result<BesideWorkspace> read_mount(std::string_view value, const VolumeFlag& flag);

} // namespace slipway::core
