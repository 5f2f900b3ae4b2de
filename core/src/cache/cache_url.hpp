#pragma once

#include <slipway/core/shared_cache.hpp>
#include <slipway/engine/endpoint.hpp>

#include <string>
#include <string_view>

namespace slipway::core::cache {

/// Where a shared cache is.
struct Place {
    engine::Endpoint server;    ///< without a base path
    std::string path;           ///< put before those of objects, percent-encoded: "" or "/a/b"
    std::string user, password; ///< for Basic; both empty: none
    bool has_user = false;
    bool s3 = false;
    std::string shown; ///< for a person: no user, no password
};

/// What the options' URL, endpoint and region say.
/// Errors: invalid_argument, which shows nothing of a URL: a part of it may be a password.
Result<Place> parse_place(const SharedCacheOptions& options);

/// Percent-encodes everything but letters, digits, "-._~" and '/', as AWS wants it.
std::string encode_path(std::string_view text);

} // namespace slipway::core::cache
