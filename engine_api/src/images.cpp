#include "auth_header.hpp"
#include "image_request.hpp"
#include "images_json.hpp"
#include "platform_query.hpp"
#include "progress_stream.hpp"

#include <slipway/engine/images.hpp>

#include <algorithm>

namespace slipway {

namespace engine {

namespace {

struct ImageReply : ImageInfo {
    struct RootFs {
        std::vector<std::string> layers;
    };
    RootFs root_fs;
};

} // namespace

} // namespace engine

template <>
struct json::Fields<engine::ImageConfig> {
    using T = engine::ImageConfig;
    static constexpr auto list = std::tuple{
        json::optional("Env", &T::env),
        json::optional("Cmd", &T::cmd),
        json::optional("Entrypoint", &T::entrypoint),
        json::optional("Labels", &T::labels),
        json::optional("User", &T::user),
        json::optional("WorkingDir", &T::working_dir)};
};
template <>
struct json::Fields<engine::HistoryEntry> {
    using T = engine::HistoryEntry;
    static constexpr auto list = std::tuple{
        json::optional("Id", &T::id),
        json::optional("Created", &T::created),
        json::optional("CreatedBy", &T::created_by),
        json::optional("Tags", &T::tags),
        json::optional("Size", &T::size),
        json::optional("Comment", &T::comment)};
};
template <>
struct json::Fields<engine::ImageReply::RootFs> {
    static constexpr auto list =
        std::tuple{json::optional("Layers", &engine::ImageReply::RootFs::layers)};
};
template <>
struct json::Fields<engine::ImageReply> {
    using T = engine::ImageReply;
    static constexpr auto list = std::tuple{
        json::required("Id", &T::id),
        json::optional("RepoTags", &T::repo_tags),
        json::optional("RepoDigests", &T::repo_digests),
        json::optional("Created", &T::created),
        json::optional("Size", &T::size),
        json::optional("Architecture", &T::architecture),
        json::optional("Os", &T::os),
        json::optional("Variant", &T::variant),
        json::optional("Config", &T::config),
        json::optional("RootFS", &T::root_fs)};
};
namespace engine {

namespace {

constexpr ApiVersion history_platform_api{1, 48};
constexpr ApiVersion inspect_platform_api{1, 49};

/// What is asked of an image, or of the one in it for a platform.
Result<Request> look_at_image(
    std::string_view image,
    std::string_view suffix,
    std::string_view platform,
    ApiVersion since,
    const Traits& traits
)
{
    TRY(Request request, on_image("GET", image, suffix));
    CHECK_OK(add_json_platform(request, platform, since, traits));
    return request;
}

Task<ImageInfo> inspect_image(Transport& transport, Result<Request> request, std::string what)
{
    CO_TRY(
        ImageReply reply, co_await call<ImageReply>(transport, std::move(request), std::move(what))
    );
    reply.layers = std::move(reply.root_fs.layers);
    co_return static_cast<ImageInfo&&>(reply);
}

/// The tag is always there: without one an engine pulls all of them.
Result<Request> pull_request(const PullImage& what)
{
    TRY(const Reference reference, parse_reference(what.reference));
    Request request("POST", "/images/create");
    const std::string& version = reference.digest.empty() ? reference.tag : reference.digest;
    request.query("fromImage", reference.name)
        .query("tag", version.empty() ? "latest" : version)
        .query("platform", what.platform);
    if (what.auth) {
        CHECK_OK(add_auth(request, *what.auth));
    }
    return request;
}

} // namespace

bool has_tag(const ImageSummary& image, std::string_view reference)
{
    const std::string wanted = normalized(reference);
    const auto matches = [&](const std::string& name) { return normalized(name) == wanted; };
    return std::ranges::any_of(image.repo_tags, matches)
           || std::ranges::any_of(image.repo_digests, matches);
}

Task<std::vector<ImageSummary>> Images::list(const ListImages& options)
{
    using Reply = std::vector<ImageSummary>;
    Request request("GET", "/images/json");
    request.query_flag("all", options.all);
    if (auto added = add_filters(request, options.filters); !added) {
        return refuse<Reply>(std::move(added).error());
    }
    return call<Reply>(*transport_, std::move(request), "listing images");
}

Task<ImageInfo> Images::inspect(std::string_view image, std::string_view platform)
{
    return inspect_image(
        *transport_,
        look_at_image(image, "/json", platform, inspect_platform_api, transport_->traits()),
        doing_to_image("inspecting", image)
    );
}

Task<ProgressStream> Images::import(std::shared_ptr<ByteSource> tar, const ImportImage& options)
{
    Request request("POST", "/images/create");
    request.query("fromSrc", "-")
        .query("repo", options.repository)
        .query("tag", options.tag)
        .query("message", options.message)
        .query("platform", options.platform);
    for (const std::string& change : options.changes) {
        request.query("changes", change);
    }
    request.body(std::move(tar), "application/x-tar");
    std::string what = doing_to_image("importing", options.repository);
    return open_progress(*transport_, std::move(request), Goal::import, {}, std::move(what));
}

Task<> Images::tag(std::string_view image, std::string_view repository, std::string_view tag)
{
    auto request = on_image("POST", image, "/tag");
    if (request) request->query("repo", repository).query("tag", tag);
    std::string what = doing_to_image("tagging", image);
    what.append(" as ").append(repository).append(":").append(tag);
    return perform(*transport_, std::move(request), std::move(what));
}

Task<std::vector<RemovedImage>> Images::remove(std::string_view image)
{
    const RemoveImage options;
    return remove(image, options);
}

Task<std::vector<RemovedImage>> Images::remove(std::string_view image, const RemoveImage& options)
{
    auto request = on_image("DELETE", image);
    if (request) {
        request->query_flag("force", options.force).query_flag("noprune", options.no_prune);
    }
    return call<std::vector<RemovedImage>>(
        *transport_, std::move(request), doing_to_image("removing", image)
    );
}

Task<std::vector<HistoryEntry>> Images::history(std::string_view image, std::string_view platform)
{
    return call<std::vector<HistoryEntry>>(
        *transport_,
        look_at_image(image, "/history", platform, history_platform_api, transport_->traits()),
        doing_to_image("asking for the history of", image)
    );
}

Task<ProgressStream> Images::pull(const PullImage& what)
{
    const bool by_layer = transport_->traits().pull_ends_with_a_layer;
    std::string doing = doing_to_image("pulling", what.reference);
    if (!what.platform.empty()) doing += " for " + what.platform;
    return open_progress(
        *transport_,
        pull_request(what),
        by_layer ? Goal::pull_ended_by_layer : Goal::pull,
        what.reference,
        std::move(doing)
    );
}

} // namespace engine

} // namespace slipway
