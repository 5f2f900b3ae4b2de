#include "refusal.hpp"

namespace slipway::engine {

Errc code_of_refusal(std::string_view message) noexcept
{
    const auto says = [&](std::string_view words) {
        return message.find(words) != std::string_view::npos;
    };
    // The Hub denies access to what does not exist, so that comes first.
    if (says("manifest unknown") || says("name unknown") || says("repository does not exist")
        || says("requested access to the resource is denied")
        || says("does not exist locally")) { // dockerd: a push of what is not here
        return Errc::not_found;
    }
    if (says("unauthorized") || says("401 Unauthorized") || says("authentication required")
        || says("invalid username/password") || says("no basic auth credentials")) {
        return Errc::unauthorized;
    }
    return Errc::engine;
}

bool is_login_wanted(std::string_view message) noexcept
{
    return message.ends_with("unauthorized: authentication required")
           || message.ends_with("no basic auth credentials");
}

} // namespace slipway::engine
