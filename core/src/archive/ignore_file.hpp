#pragma once

#include <slipway/engine/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// What a `.dockerignore` keeps out of a context. The last line that fits a path, or a directory
/// above it, decides; one with a '!' lets it in again.
class IgnoreRules {
public:
    IgnoreRules() = default;

    /// Errors: invalid_argument (a '!' without a pattern; "<origin>:3: ...").
    static Result<IgnoreRules> parse(std::string_view text, const std::string& origin);

    /// `path` starts from the context's directory.
    bool ignores(std::string_view path) const;
    /// Whether a '!' may let in something below this directory.
    bool may_let_in_below(std::string_view directory) const;

private:
    struct Rule {
        std::vector<std::string> parts; ///< "**" is any number of directories
        bool lets_in = false;
    };
    enum class Fit { no, below, yes }; ///< below: a longer path may fit

    static Fit fit(const Rule& rule, std::string_view path);

    std::vector<Rule> rules_;
};

} // namespace slipway::core
