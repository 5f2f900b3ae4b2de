#pragma once

#include "call.hpp"

#include <string>
#include <string_view>

namespace slipway::engine {

/// `METHOD /containers/{id}suffix`, or the reason why there is no such request.
inline Result<Request>
on_container(std::string_view method, std::string_view id, std::string_view suffix = {})
{
    return request_on(method, "/containers/", segment_of(id, "container"), suffix);
}

/// "starting container web"
inline std::string doing_to_container(std::string_view what, std::string_view id)
{
    return std::string(what) + " container " + std::string(short_id(id));
}

} // namespace slipway::engine
