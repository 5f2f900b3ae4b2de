#pragma once

#include <slipway/core/digest.hpp>
#include <slipway/engine/result.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
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
    /// "s3://BUCKET[/PREFIX]". Users and passwords are percent-encoded, and never shown.
    std::string url;
    bool write = false; ///< else it is only read
    /// Of S3: "http[s]://HOST[:PORT]", path style; empty: that of AWS for the region.
    std::string s3_endpoint;
    std::string s3_region;                             ///< empty: us-east-1
    std::string access_key, secret_key, session_token; ///< of S3; the last one may be empty
    std::filesystem::path ca; ///< PEM, for https; empty: the system's authorities
    std::chrono::milliseconds connect_limit{2'000};
    std::chrono::milliseconds answer_limit{5'000}; ///< to the header, and between two pieces
    unsigned failures = 3; ///< in a row; then it is left alone for this process
    /// The time that S3's signatures tell; empty: the system's.
    std::function<std::chrono::system_clock::time_point()> now;
};

/// What the environment says: SLIPWAY_CACHE (the URL), SLIPWAY_CACHE_WRITE (1 or 0),
/// SLIPWAY_CACHE_CA (an absolute path), SLIPWAY_CACHE_S3_ENDPOINT, and for s3 AWS_ACCESS_KEY_ID,
/// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION or else AWS_DEFAULT_REGION. `variable`
/// gives a variable's value; an empty one is as none. Nothing: no SLIPWAY_CACHE.
/// Errors: invalid_argument, which names the variable and shows no value.
Result<std::optional<SharedCacheOptions>>
shared_cache_options(const std::function<std::string(const std::string& name)>& variable);

/// What it did, for the end of a build.
struct SharedCacheReport {
    /// Objects. Those that the server had already are not among the stored ones.
    std::uint64_t found = 0, missed = 0, stored = 0, failed = 0;
    std::uint64_t bytes_in = 0, bytes_out = 0; ///< of objects that were found and stored
    std::string left_alone{};                  ///< why it is not asked any more; empty: it is
    std::string not_written{};  ///< why nothing is stored any more, though it is asked
    std::string last_failure{}; ///< what went wrong last; no word of this has a credential
};

/// Nothing of it is an error of a build: what cannot be had is not there, what cannot be stored is
/// not stored, and `report` tells why. A server that fails or is slow `failures` times in a row is
/// left alone: what waits for it then goes on at once.
///
/// Several coroutines may call at once, all on the executor's one thread (or strand). Objects are
/// `results/`, `blobs/` and `notes/`, then two digits and all digits of the name: "ab/abcd...".
class SharedCache {
public:
    enum class Kind { result, blob, note };

    /// Connects to nothing. Errors: invalid_argument (a URL that is none, credentials missing for
    /// s3, no failures or time allowed), which shows nothing of the URL.
    static Result<std::shared_ptr<SharedCache>>
    open(boost::asio::any_io_executor executor, SharedCacheOptions options);

    virtual ~SharedCache() = default;

    /// The bytes of an object, at most `most`; the caller checks them. Nothing: it has none, or it
    /// fails. The only error is cancelled.
    virtual Task<std::optional<std::string>> get(Kind kind, Sha256 name, std::uint64_t most) = 0;
    /// Stores it, unless `write` is false. A blob that is there with as many bytes is not sent
    /// again, unless `get` has given it: then it was of no use. The only error is cancelled.
    virtual Task<> put(Kind kind, Sha256 name, std::string bytes) = 0;

    virtual SharedCacheReport report() const = 0;
};

} // namespace slipway::core
