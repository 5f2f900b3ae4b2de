#pragma once

#include <slipway/core/digest.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Signature Version 4 of AWS, as its servers and their like want it of each request of S3.
namespace slipway::core::cache {

struct AwsKeys {
    std::string access_key, secret_key, session_token; ///< the last one may be empty
    std::string region;
};

/// What of a request is signed.
struct AwsRequest {
    using Fields = std::vector<std::pair<std::string, std::string>>;

    std::string method;
    std::string path;  ///< percent-encoded, once
    std::string query; ///< canonical: "key=value&...", encoded and in order; mostly empty
    Fields headers;    ///< with Host
    Sha256 body{};     ///< of its bytes
};

/// The header fields to add to the request: x-amz-date, x-amz-content-sha256,
/// x-amz-security-token where there is one, and Authorization.
AwsRequest::Fields aws_signature(
    const AwsRequest& request, const AwsKeys& keys, std::chrono::system_clock::time_point now
);

/// "20130524T000000Z"
std::string aws_date(std::chrono::system_clock::time_point time);

std::string hmac_sha256(std::string_view key, std::string_view text); ///< 32 bytes

} // namespace slipway::core::cache
