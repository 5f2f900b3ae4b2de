#pragma once

#include "cache/cache_url.hpp"

#include <slipway/core/shared_cache.hpp>
#include <slipway/engine/transport.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace slipway::core::cache {

/// "/results/ab/abcd..."
std::string path_of(SharedCache::Kind kind, const Sha256& name);

/// Requests to a cache, with the credentials and deadlines of its options.
class Requests {
public:
    Requests(Place place, const SharedCacheOptions& options);

    const Place& place() const noexcept { return place_; }

    /// One without a body.
    engine::Request make(std::string_view method, std::string_view path) const;
    /// The same of a whole path, which has the URL's.
    engine::Request make_whole(std::string_view method, std::string path) const;
    /// A PUT. `digest` is that of the bytes, which only s3 looks at.
    engine::Request
    put(std::string_view path, std::shared_ptr<const std::string> bytes, const Sha256& digest
    ) const;

private:
    engine::Request
    begin(std::string_view method, std::string path, const Sha256& body, bool has_body) const;

    Place place_;
    SharedCacheOptions options_;
};

} // namespace slipway::core::cache
