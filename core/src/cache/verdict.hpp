#pragma once

#include <slipway/engine/transport.hpp>

#include <string>

namespace slipway::core::cache {

/// What an answer means for an object.
struct Verdict {
    enum class Said {
        yes,       ///< here it is; it is stored
        no,        ///< there is none
        conflict,  ///< of a PUT: a directory above it is missing, or it is there already
        too_large, ///< of a PUT: not this one
        refused,   ///< of a PUT: the server takes nothing from us
        failed,    ///< the server is of no use, now
    };
    Said said = Said::failed;
    /// Why, for `too_large`, `refused` and `failed`: one line, with no word of the server's own, as
    /// it has been told credentials.
    std::string text{};
    /// It failed as nginx does where the directory is missing (HTTP 500).
    bool may_lack_directory = false;
};

Verdict verdict_of_get(const engine::Response& answer, bool s3);
Verdict verdict_of_head(const engine::Response& answer);
Verdict verdict_of_put(const engine::Response& answer, bool s3);

} // namespace slipway::core::cache
