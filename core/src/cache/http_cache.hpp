#pragma once

#include "cache/breaker.hpp"
#include "cache/gate.hpp"
#include "cache/requests.hpp"
#include "cache/verdict.hpp"

#include <slipway/core/shared_cache.hpp>
#include <slipway/engine/web_client.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace slipway::core::cache {

/// What the calls to one cache share.
struct HttpCacheState {
    HttpCacheState(
        boost::asio::any_io_executor with, Place place, const SharedCacheOptions& given_options
    );

    boost::asio::any_io_executor executor;
    SharedCacheOptions options;
    Requests requests;
    engine::WebClient client;
    Gate gate;
    Breaker asking;
    Breaker writing;
    SharedCacheReport report;
    std::set<std::string, std::less<>> collections; ///< that were made, or were there
    std::set<std::string, std::less<>> given;       ///< paths of blobs that `get` found
};

/// Errors: invalid_argument, as SharedCache::open.
Result<> check_options(const SharedCacheOptions& options);

/// What became of one operation that did not fail.
struct Outcome {
    std::optional<std::string> bytes; ///< of a get that found something
    bool missed = false;
    bool stored = false;
    std::string too_large, refused; ///< of a put: why not
    std::string slow;               ///< how long the answer took, when that was too long
};

/// Both run beside their caller, so that they can be stopped without it; errors are failures of the
/// server.
Task<> fetch_object(
    std::shared_ptr<HttpCacheState> state,
    SharedCache::Kind kind,
    Sha256 name,
    std::uint64_t most,
    std::shared_ptr<Outcome> outcome
);
Task<> store_object(
    std::shared_ptr<HttpCacheState> state,
    SharedCache::Kind kind,
    Sha256 name,
    std::shared_ptr<const std::string> bytes,
    std::shared_ptr<Outcome> outcome
);

} // namespace slipway::core::cache
