#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// An image that a build starts from or copies out of.
struct NeededImage {
    std::string reference;
    std::string platform{}; ///< "os/arch[/variant]" of FROM --platform; empty: the engine's own
    bool is_base = true;    ///< of a FROM; else of COPY --from or RUN --mount=from=
};

/// What a Dockerfile asks of the engine that builds it.
struct BuildNeeds {
    std::string syntax;              ///< image of its `# syntax=` line; empty: none
    std::vector<NeededImage> images; ///< of the stages that the target needs, each once
    /// What the classic builder has not, as in "RUN --mount"; empty when it will do.
    std::vector<std::string> buildkit_only;
    /// What also BuildKit has only since docker 23, without a `# syntax=` line.
    std::vector<std::string> newer_buildkit_only;
};

using BuildArgs = std::map<std::string, std::optional<std::string>>;

/// Reads what BuildKit will need. Variables in FROM have their values from `args` or the defaults
/// before the first FROM; those of the platform are taken for the engine's own. An image whose name
/// cannot be known is left out: the engine says then what is wrong.
BuildNeeds needs_of(std::string_view dockerfile, std::string_view target, const BuildArgs& args);

} // namespace slipway::core
