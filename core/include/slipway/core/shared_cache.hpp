#pragma once

#include <slipway/core/digest.hpp>
#include <slipway/engine/result.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What builds have made, on a server: the store's results, blobs and notes over HTTP.
namespace slipway::core {

struct SharedCacheOptions {
    /// "http://HOST[:PORT]/PATH", "https://...", with "USER:PASSWORD@" for Basic, or
    /// "s3://BUCKET[/PREFIX]". Never shown with its password.
    std::string url;
    bool write = false; ///< else it is only read
    /// Of S3: "http[s]://HOST[:PORT]", path style; empty: that of AWS for the region.
    std::string s3_endpoint;
    std::string s3_region; ///< empty: us-east-1
    std::string access_key, secret_key, session_token;
    std::chrono::milliseconds connect_limit{2'000};
    std::chrono::milliseconds answer_limit{5'000}; ///< to the header, and between two pieces
    unsigned failures = 3; ///< in a row; then it is left alone for this process
};

/// What it did, for the end of a build.
struct SharedCacheReport {
    std::uint64_t found = 0, missed = 0, stored = 0, failed = 0; ///< objects
    std::uint64_t bytes_in = 0, bytes_out = 0;
    std::string left_alone{}; ///< why it is not asked any more; empty: it is
};

/// Nothing of it is an error of a build: what cannot be had is not there, what cannot be stored is
/// not stored, and `report` tells why. A coroutine's; several may call at once.
class SharedCache {
public:
    enum class Kind { result, blob, note };

    /// Errors: invalid_argument (a URL that is none, credentials missing for s3).
    static Result<std::shared_ptr<SharedCache>>
    open(boost::asio::any_io_executor executor, SharedCacheOptions options);

    virtual ~SharedCache() = default;

    /// The bytes of an object, at most `most`; the caller checks them. Nothing: it has none, or it
    /// fails. The only error is cancelled.
    virtual Task<std::optional<std::string>> get(Kind kind, Sha256 name, std::uint64_t most) = 0;
    /// Stores it, unless `write` is false. The only error is cancelled.
    virtual Task<> put(Kind kind, Sha256 name, std::string bytes) = 0;

    virtual SharedCacheReport report() const = 0;
};

} // namespace slipway::core
