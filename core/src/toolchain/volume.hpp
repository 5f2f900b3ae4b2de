#pragma once

#include <slipway/core/toolchain.hpp>
#include <slipway/core/workspace.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/result.hpp>

#include <filesystem>
#include <map>
#include <string>

namespace slipway::core {

/// For what a copy of a toolchain is made.
struct ToolchainCopy {
    engine::Client client;
    HostToolchain toolchain;
    std::string image;          ///< that the engine has; a container of it is made, never started
    std::filesystem::path base; ///< of the pool: remembers what is whole
    Owner owner;                ///< of the files
};

/// The volume that has a copy of what is needed of the toolchain, named by its contents: one that
/// has changed has another volume. It is filled where that was not done, or not to the end, by one
/// process of this user at a time.
///
/// Errors: those of contents_of, conflict (a volume of that name that is not ours), engine,
///   unreachable, cancelled.
Task<std::string> toolchain_volume(ToolchainCopy copy);

/// Of such a volume, whoever makes it.
std::map<std::string, std::string> labels_of_copy(const HostToolchain& toolchain);

} // namespace slipway::core
