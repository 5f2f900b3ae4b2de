#pragma once

#include "agent/glob.hpp"

#include <slipway/core/input_digests.hpp>
#include <slipway/engine/result.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace slipway::core::graph {

/// A path or pattern of `slipway.toml`; what it means, it means with all that is below it.
class PathPattern {
public:
    /// Errors: invalid_argument (it is none).
    static Result<PathPattern> parse(std::string_view text);

    bool matches(std::string_view path) const;
    /// It has no wildcards.
    bool is_literal() const noexcept;
    /// The directories that it begins with, without a final slash; may be empty.
    const std::string& literal_prefix() const noexcept { return prefix_; }

private:
    std::vector<agent::ItemPart> parts_;
    std::string prefix_;
};

/// A path and what stood there.
struct LookedAt {
    std::string path;
    FileMark mark{};
};

/// The names of a project's sources: of files, symlinks and whatever else is no directory. Left out
/// are `.slipway` and `.git` at the top and directories with a CACHEDIR.TAG. What was listed once
/// is not listed again.
class SourceNames {
public:
    explicit SourceNames(std::filesystem::path root) : root_(std::move(root)) {}

    using Paths = std::shared_ptr<const std::vector<std::string>>;

    /// Those that a pattern means, sorted; asked again, it is the same object.
    /// Errors: invalid_argument, permission_denied, io.
    Result<Paths> matching(std::string_view pattern);

    /// What all names hang on: directories, and files that tag them. As long as these marks are the
    /// same, so are the names. Marks are older than what was read of it.
    const std::vector<LookedAt>& looked_at() const noexcept { return looked_at_; }

private:
    Result<Paths> below(const std::string& directory);

    std::filesystem::path root_;
    std::unordered_map<std::string, Paths> listed_;  // by directory, or path of a file
    std::unordered_map<std::string, Paths> matched_; // by pattern
    std::vector<LookedAt> looked_at_;
};

} // namespace slipway::core::graph
