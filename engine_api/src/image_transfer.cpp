#include "auth_header.hpp"
#include "image_request.hpp"
#include "platform_query.hpp"
#include "progress_stream.hpp"
#include "tar_check.hpp"

#include <slipway/engine/images.hpp>

namespace slipway::engine {

namespace {

constexpr ApiVersion push_platform_api{1, 46};
constexpr ApiVersion archive_platform_api{1, 48};

/// The tag is always there: without one dockerd pushes all of them. So is the header, which dockerd
/// before 23 wants even when there is nothing to say.
Result<Request> push_request(const PushImage& what, const Traits& traits)
{
    TRY(const Reference reference, parse_reference(what.reference));
    if (!reference.digest.empty()) {
        return fail(
            Errc::invalid_argument,
            "an image is pushed by a tag, and " + what.reference + " has a digest"
        );
    }
    TRY(Request request, on_image("POST", reference.name, "/push"));
    request.query("tag", reference.tag.empty() ? "latest" : reference.tag);
    CHECK_OK(add_json_platform(request, what.platform, push_platform_api, traits));
    CHECK_OK(add_auth(request, what.auth.value_or(RegistryAuth())));
    return request;
}

Result<Request> load_request(const LoadImages& options, const Traits& traits)
{
    Request request("POST", "/images/load");
    request.query("quiet", options.quiet ? "1" : "0");
    CHECK_OK(add_json_platform(request, options.platform, archive_platform_api, traits));
    return request;
}

Result<Request> save_request(const SaveImages& what, const Traits& traits)
{
    if (what.images.empty()) return fail(Errc::invalid_argument, "there is no image to save");
    if (what.images.size() == 1) {
        TRY(Request request, on_image("GET", what.images.front(), "/get"));
        CHECK_OK(add_json_platform(request, what.platform, archive_platform_api, traits));
        return request;
    }
    Request request("GET", "/images/get");
    for (const std::string& image : what.images) {
        CHECK_OK(image_segment(image));
        request.query("names", image);
    }
    CHECK_OK(add_json_platform(request, what.platform, archive_platform_api, traits));
    return request;
}

std::string saving(const std::vector<std::string>& images)
{
    if (images.size() == 1) return doing_to_image("saving", images.front());
    return "saving " + std::to_string(images.size()) + " images";
}

} // namespace

Task<ProgressStream> Images::push(const PushImage& what)
{
    return open_progress(
        *transport_,
        push_request(what, transport_->traits()),
        Goal::push,
        {},
        doing_to_image("pushing", what.reference)
    );
}

Task<ProgressStream> Images::load(std::shared_ptr<ByteSource> tar, const LoadImages& options)
{
    auto request = load_request(options, transport_->traits());
    if (request) request->body(std::move(tar), "application/x-tar");
    return open_progress(*transport_, std::move(request), Goal::load, {}, "loading images");
}

Task<ProgressStream> Images::load(std::shared_ptr<ByteSource> tar)
{
    const LoadImages options;
    return load(std::move(tar), options);
}

Task<std::unique_ptr<ResponseStream>> Images::save(const SaveImages& what)
{
    return open_tar(*transport_, save_request(what, transport_->traits()), saving(what.images));
}

} // namespace slipway::engine
