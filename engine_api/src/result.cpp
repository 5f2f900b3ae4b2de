#include <slipway/engine/result.hpp>

namespace slipway {

std::string_view name(Errc code) noexcept
{
    switch (code) {
    case Errc::internal:
        return "internal";
    case Errc::cancelled:
        return "cancelled";
    case Errc::timed_out:
        return "timed_out";
    case Errc::unreachable:
        return "unreachable";
    case Errc::permission_denied:
        return "permission_denied";
    case Errc::not_found:
        return "not_found";
    case Errc::conflict:
        return "conflict";
    case Errc::invalid_argument:
        return "invalid_argument";
    case Errc::unauthorized:
        return "unauthorized";
    case Errc::unsupported:
        return "unsupported";
    case Errc::engine:
        return "engine";
    case Errc::protocol:
        return "protocol";
    case Errc::truncated:
        return "truncated";
    case Errc::io:
        return "io";
    }
    return "unknown";
}

std::string describe(const Error& error)
{
    std::string text;
    for (auto it = error.context.rbegin(); it != error.context.rend(); ++it) {
        text += *it + ": ";
    }
    return text + error.message;
}

} // namespace slipway
