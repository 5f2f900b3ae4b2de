#pragma once

#include <slipway/engine/client.hpp>
#include <slipway/engine/result.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace slipway::core {

/// Who may still need an object of ours.
enum class InUse {
    yes,
    idle,    ///< a sandbox that waits for its next job; an agent's volume of another version
    kept,    ///< a persistent sandbox that nobody has now; the volume of a workspace or of cargo
    no,      ///< its owner has ended
    unknown, ///< it is another machine's, or another user's
};

/// An object of Slipway on an engine: it carries our labels.
struct OwnedObject {
    enum class Kind { container, volume };

    Kind kind = Kind::container;
    std::string name;
    std::string purpose; ///< "run", "sandbox", "scratch", "agent", "probe", "workspace", "cargo"
    /// Of a container or the volume of a workspace, as its creator named it.
    std::string image;
    std::string state;             ///< of a container, as the engine names it: "running"
    std::int64_t created = 0;      ///< of a container: Unix seconds
    std::string kept_as;           ///< the name of a persistent sandbox; a workspace's directory
    InUse in_use = InUse::unknown; ///< of the agent's volume: sandboxes to come need it
};

/// All that is ours on the engine, containers first. Volumes of a sandbox are a part of it; those
/// that an engine has left behind are listed, not in use. `pool_directory` as in PoolOptions.
Task<std::vector<OwnedObject>>
inventory(engine::Client client, std::filesystem::path pool_directory);

struct CleanedUp {
    std::vector<OwnedObject> removed;
    std::vector<OwnedObject> kept; ///< in use, or not known to be unused
    std::vector<std::pair<OwnedObject, Error>> failed;
};

enum class Clean {
    /// Containers, and scratch without one, whose owners have ended, and volumes of workspaces of
    /// this user whose directory is gone. Of a persistent sandbox that
    /// is kept it is not looked for who has it when the directory of its pool was removed.
    left_behind,
    unused,     ///< and what is idle
    everything, ///< all that is ours on the engine, in use or not, and the agent's volumes
};

Task<CleanedUp> clean_up(engine::Client client, std::filesystem::path pool_directory, Clean what);

/// The volumes that stay from one command to the next: of workspaces, and of cargo.
Task<std::vector<OwnedObject>>
kept_volumes(engine::Client client, std::filesystem::path pool_directory);

/// Removes volumes that stay, after sandboxes that are idle: what is in them is made again. One
/// that a command uses is in `failed`, Errc::conflict.
///
/// Errors: not_found (`names` has one that is none; then nothing is removed), those of the engine.
Task<CleanedUp> remove_kept_volumes(
    engine::Client client, std::filesystem::path pool_directory, std::vector<std::string> names
);

} // namespace slipway::core
