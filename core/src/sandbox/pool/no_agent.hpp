#pragma once

#include "sandbox/pool/wanted.hpp"

#include <slipway/engine/client.hpp>

#include <filesystem>
#include <string>
#include <vector>

/// What was found out about sandboxes in which the agent does not run, so that it is not tried in
/// each: remembered below BASE/engines for ten minutes at most, and for one version of the engine.
/// Each spec has a memory of its own: what keeps the agent from running may be a mount, a limit or
/// a scratch directory as well as the image.
namespace slipway::core::pool {

/// Why sandboxes as this one have no agent; empty when that is not known.
std::string why_no_agent(const Wanted& wanted);

/// `why`: text for a person.
void remember_no_agent(const Wanted& wanted, const std::string& why);

/// It runs, or without it it goes no better.
void forget_no_agent(const Wanted& wanted);

/// The same of a sandbox with SandboxSpec::bound, as it is asked for: why it cannot be had.
std::string why_not_bound(
    const engine::Client& client, const std::filesystem::path& base, const SandboxSpec& spec
);
void remember_not_bound(
    const engine::Client& client,
    const std::filesystem::path& base,
    const SandboxSpec& spec,
    const std::string& why
);

void forget_not_bound(
    const engine::Client& client, const std::filesystem::path& base, const SandboxSpec& spec
);

/// "IMAGE: why", each once, of all that is remembered of this engine.
std::vector<std::string>
all_without_agent(const engine::Client& client, const std::filesystem::path& base);

} // namespace slipway::core::pool
