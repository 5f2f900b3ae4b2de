#include "auth_header.hpp"
#include "call.hpp"
#include "refusal.hpp"

#include <slipway/engine/images.hpp>

namespace slipway {

namespace engine {

namespace {

/// Podman has the same under the names of its own API.
struct FoundText {
    std::string name;
    std::string description;
    std::int64_t stars = 0;
    bool official = false;
    std::string podman_name;
    std::string podman_description;
    std::int64_t podman_stars = 0;
    std::string podman_official; ///< "[OK]"
};

struct DistributionReply {
    struct Descriptor {
        std::string digest;
        std::string media_type;
        std::int64_t size = 0;
    };
    Descriptor descriptor;
    std::vector<Platform> platforms;
};

} // namespace

} // namespace engine

template <>
struct json::Fields<engine::FoundText> {
    using T = engine::FoundText;
    static constexpr auto list = std::tuple{
        json::optional("name", &T::name),
        json::optional("description", &T::description),
        json::optional("star_count", &T::stars),
        json::optional("is_official", &T::official),
        json::optional("Name", &T::podman_name),
        json::optional("Description", &T::podman_description),
        json::optional("Stars", &T::podman_stars),
        json::optional("Official", &T::podman_official)};
};
template <>
struct json::Fields<engine::Platform> {
    using T = engine::Platform;
    static constexpr auto list = std::tuple{
        json::optional("os", &T::os),
        json::optional("architecture", &T::architecture),
        json::optional("variant", &T::variant),
        json::optional("os.version", &T::os_version)};
};
template <>
struct json::Fields<engine::DistributionReply::Descriptor> {
    using T = engine::DistributionReply::Descriptor;
    static constexpr auto list = std::tuple{
        json::required("digest", &T::digest),
        json::optional("mediaType", &T::media_type),
        json::optional("size", &T::size)};
};
template <>
struct json::Fields<engine::DistributionReply> {
    using T = engine::DistributionReply;
    static constexpr auto list = std::tuple{
        json::required("Descriptor", &T::descriptor), json::optional("Platforms", &T::platforms)};
};

namespace engine {

namespace {

Result<Request> search_request(const SearchImages& what)
{
    if (what.term.empty()) return fail(Errc::invalid_argument, "there is nothing to search for");
    Request request("GET", "/images/search");
    request.query("term", what.term);
    if (what.limit) request.query("limit", *what.limit);
    CHECK_OK(add_filters(request, what.filters));
    if (what.auth) {
        CHECK_OK(add_auth(request, *what.auth));
    }
    return request;
}

Result<Request> distribution_request(std::string_view image, const RegistryAuth& auth)
{
    TRY(Request request, request_on("GET", "/distribution/", image_segment(image), "/json"));
    CHECK_OK(add_auth(request, auth));
    return request;
}

/// Asks a registry by the engine; what it refuses has a status of its own only sometimes.
template <class Reply>
Task<Reply> ask_registry(Transport& transport, Result<Request> request, std::string doing)
{
    auto reply = co_await call<Reply>(transport, std::move(request), std::move(doing));
    if (!reply && reply.error().code == Errc::engine) {
        reply.error().code = code_of_refusal(reply.error().message);
    }
    co_return reply;
}

Task<std::vector<FoundImage>>
search_images(Transport& transport, Result<Request> request, std::string doing)
{
    using Reply = std::vector<FoundText>;
    CO_TRY(
        Reply reply, co_await ask_registry<Reply>(transport, std::move(request), std::move(doing))
    );
    std::vector<FoundImage> images;
    for (FoundText& said : reply) {
        FoundImage image;
        image.name = std::move(said.name.empty() ? said.podman_name : said.name);
        image.description =
            std::move(said.description.empty() ? said.podman_description : said.description);
        image.stars = std::max(said.stars, said.podman_stars);
        image.official = said.official || !said.podman_official.empty();
        images.push_back(std::move(image));
    }
    co_return images;
}

Task<DistributionInfo>
ask_distribution(Transport& transport, Result<Request> request, std::string doing)
{
    using Reply = DistributionReply;
    CO_TRY(
        Reply reply, co_await ask_registry<Reply>(transport, std::move(request), std::move(doing))
    );
    DistributionInfo info;
    info.digest = std::move(reply.descriptor.digest);
    info.media_type = std::move(reply.descriptor.media_type);
    info.size = reply.descriptor.size;
    info.platforms = std::move(reply.platforms);
    co_return info;
}

} // namespace

Task<std::vector<FoundImage>> Images::search(const SearchImages& what)
{
    return search_images(*transport_, search_request(what), "searching for images " + what.term);
}

Task<DistributionInfo> Images::distribution(std::string_view image, const RegistryAuth& auth)
{
    std::string doing = "asking the registry about image " + std::string(image);
    return ask_distribution(*transport_, distribution_request(image, auth), std::move(doing));
}

Task<DistributionInfo> Images::distribution(std::string_view image)
{
    const RegistryAuth nobody;
    return distribution(image, nobody);
}

} // namespace engine

} // namespace slipway
