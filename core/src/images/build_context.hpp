#pragma once

#include "archive/ignore_file.hpp"

#include <slipway/core/manifest.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// What a Dockerfile takes from its context.
struct ContextNeeds {
    bool all = false;
    std::vector<std::string> paths; ///< "ci/tools": each with what is below it; none for a pattern
};

/// What COPY, ADD and RUN --mount name; all of it where that is not plain to see.
ContextNeeds context_needs(std::string_view dockerfile);

/// The same for a context that is there: all of it, too, where a symlink is on the way.
ContextNeeds context_needs(std::string_view dockerfile, const std::filesystem::path& context);

/// The rules of "<dockerfile>.dockerignore", else of ".dockerignore" in the context.
/// Errors: invalid_argument.
Result<IgnoreRules>
read_ignore_rules(const std::filesystem::path& dockerfile, const std::filesystem::path& context);

/// What goes to the engine. `dockerfile` is its path in the context, which goes there by itself.
EntryFilter context_filter(ContextNeeds needs, IgnoreRules rules, std::string dockerfile);

} // namespace slipway::core
