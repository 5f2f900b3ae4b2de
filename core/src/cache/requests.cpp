#include "cache/requests.hpp"

#include "cache/aws_signature.hpp"

#include <slipway/engine/bytes.hpp>
#include <slipway/engine/web_client.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace slipway::core::cache {

namespace {

constexpr std::string_view object_type = "application/octet-stream";
// Sent at once, so that a connection of before can be used.
constexpr std::size_t short_body = std::size_t{64} << 10U;
constexpr std::size_t slowest = std::size_t{32} << 10U; // bytes a second

/// Bytes that somebody else has, too.
class SharedBytes final : public engine::ByteSource {
public:
    explicit SharedBytes(std::shared_ptr<const std::string> bytes) : bytes_(std::move(bytes)) {}

    Task<std::size_t> read(std::span<char> into) override
    {
        const std::size_t n = std::min(into.size(), bytes_->size() - at_);
        std::memcpy(into.data(), bytes_->data() + at_, n);
        at_ += n;
        co_return n;
    }

private:
    std::shared_ptr<const std::string> bytes_;
    std::size_t at_ = 0;
};

std::string_view directory_of(SharedCache::Kind kind)
{
    switch (kind) {
    case SharedCache::Kind::result:
        return "/results/";
    case SharedCache::Kind::blob:
        return "/blobs/";
    case SharedCache::Kind::note:
        break;
    }
    return "/notes/";
}

} // namespace

std::string path_of(SharedCache::Kind kind, const Sha256& name)
{
    const std::string digits = to_hex(name);
    return std::string(directory_of(kind)) + digits.substr(0, 2) + "/" + digits;
}

Requests::Requests(Place place, const SharedCacheOptions& options)
    : place_(std::move(place)), options_(options)
{
    if (options_.s3_region.empty()) options_.s3_region = "us-east-1";
}

engine::Request
Requests::begin(std::string_view method, std::string path, const Sha256& body, bool has_body) const
{
    engine::Request request{std::string(method), path};
    engine::Deadlines deadlines;
    deadlines.header = deadlines.idle = options_.answer_limit;
    request.deadlines(deadlines).answer_pace(slowest);
    if (place_.s3) {
        AwsRequest to_sign;
        to_sign.method = method;
        to_sign.path = std::move(path);
        to_sign.headers.emplace_back("Host", engine::WebClient::host(place_.server));
        if (has_body) to_sign.headers.emplace_back("Content-Type", object_type);
        to_sign.body = body;
        const AwsKeys keys{
            options_.access_key, options_.secret_key, options_.session_token, options_.s3_region};
        const auto now = options_.now ? options_.now() : std::chrono::system_clock::now();
        for (const auto& [name, value] : aws_signature(to_sign, keys, now)) {
            request.header(name, value);
        }
        request.secret(keys.access_key).secret(keys.secret_key).secret(keys.session_token);
    } else if (place_.has_user) {
        engine::add_basic_auth(request, place_.user, place_.password);
    }
    return request;
}

engine::Request Requests::make(std::string_view method, std::string_view path) const
{
    return make_whole(method, place_.path + std::string(path));
}

engine::Request Requests::make_whole(std::string_view method, std::string path) const
{
    return begin(method, std::move(path), sha256(""), false);
}

engine::Request Requests::put(
    std::string_view path, std::shared_ptr<const std::string> bytes, const Sha256& digest
) const
{
    engine::Request request = begin("PUT", place_.path + std::string(path), digest, true);
    const std::size_t size = bytes->size();
    if (size <= short_body) {
        request.text(*bytes, std::string(object_type));
    } else {
        request.body(
            std::make_shared<SharedBytes>(std::move(bytes)), std::string(object_type), size
        );
    }
    return request;
}

} // namespace slipway::core::cache
