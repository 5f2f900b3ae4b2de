#pragma once

#include "call.hpp"

#include <string>
#include <string_view>

namespace slipway::engine {

/// `METHOD /images/{name}suffix`, or the reason why there is no such request.
inline Result<Request>
on_image(std::string_view method, std::string_view image, std::string_view suffix = {})
{
    return request_on(method, "/images/", image_segment(image), suffix);
}

/// "tagging image web"
inline std::string doing_to_image(std::string_view what, std::string_view image)
{
    return std::string(what) + " image " + std::string(image);
}

} // namespace slipway::engine
