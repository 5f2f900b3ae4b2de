#include "cache/http_cache.hpp"

#include <slipway/core/shared_cache.hpp>

namespace slipway::core {

namespace {

tl::unexpected<Error> not_usable(std::string message, std::string hint)
{
    Error error(Errc::invalid_argument, std::move(message));
    error.hint = std::move(hint);
    return fail(std::move(error));
}

} // namespace

Result<std::optional<SharedCacheOptions>>
shared_cache_options(const std::function<std::string(const std::string& name)>& variable)
{
    SharedCacheOptions options;
    options.url = variable("SLIPWAY_CACHE");
    if (options.url.empty()) return std::nullopt;
    const std::string write = variable("SLIPWAY_CACHE_WRITE");
    if (!write.empty() && write != "0" && write != "1") {
        return not_usable(
            "SLIPWAY_CACHE_WRITE is neither 1 nor 0", "1 also stores in the cache; 0 only reads"
        );
    }
    options.write = write == "1";
    options.ca = variable("SLIPWAY_CACHE_CA");
    if (options.ca.is_relative() && !options.ca.empty()) {
        return not_usable(
            "SLIPWAY_CACHE_CA is not an absolute path", "name a file of certificates in PEM"
        );
    }
    options.s3_endpoint = variable("SLIPWAY_CACHE_S3_ENDPOINT");
    if (options.url.starts_with("s3://")) {
        options.s3_region = variable("AWS_REGION");
        if (options.s3_region.empty()) options.s3_region = variable("AWS_DEFAULT_REGION");
        options.access_key = variable("AWS_ACCESS_KEY_ID");
        options.secret_key = variable("AWS_SECRET_ACCESS_KEY");
        options.session_token = variable("AWS_SESSION_TOKEN");
    }
    CHECK_OK(during(cache::check_options(options), "SLIPWAY_CACHE"));
    return options;
}

} // namespace slipway::core
