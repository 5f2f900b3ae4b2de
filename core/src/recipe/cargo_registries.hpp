#pragma once

#include "recipe/cargo_config.hpp"

#include <slipway/core/cargo_recipe.hpp>
#include <slipway/core/fetch_step.hpp>
#include <slipway/engine/result.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace slipway::core {

/// What cargo is told of registries in a sandbox.
struct RegistryPlan {
    std::map<std::string, std::string> variables; ///< for all of cargo; none with credentials
    std::optional<FetchStep> fetch;               ///< where used ones have tokens
};

/// Plans it for a command: `cargo` is the program, with a `+NAME` for rustup if there is one;
/// `packages` the workspace, `config` its configuration, `home` cargo's in the sandbox.
///
/// Variables win over the workspace's configuration, and that over the user's cargo home. The token
/// of crates.io, which needs none, stays here.
///
/// Errors: those of read_cargo_home; invalid_argument (a token for a name that has one index in the
///   user's home and another one in the workspace).
Result<RegistryPlan> plan_registries(
    const CargoCall& call,
    const std::vector<std::string>& cargo,
    const std::filesystem::path& packages,
    const CargoConfig& config,
    const std::string& home
);

} // namespace slipway::core
