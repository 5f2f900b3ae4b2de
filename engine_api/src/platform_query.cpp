#include "platform_query.hpp"

#include "json.hpp"

#include <slipway/engine/registry.hpp>

#include <algorithm>
#include <array>

namespace slipway {

namespace {

struct PlatformText {
    std::string os;
    std::string architecture;
    std::string variant;
};

} // namespace

template <>
struct json::Fields<PlatformText> {
    using T = PlatformText;
    static constexpr auto list = std::tuple{
        json::required("os", &T::os),
        json::required("architecture", &T::architecture),
        json::optional("variant", &T::variant)};
};

namespace engine {

namespace {

Result<PlatformText> parse_platform(std::string_view text)
{
    std::array<std::string, 3> parts;
    std::string_view rest = text;
    std::size_t count = 0;
    for (bool more = true; more && count < parts.size(); ++count) {
        const auto slash = rest.find('/');
        parts[count] = rest.substr(0, slash);
        more = slash != std::string_view::npos;
        rest.remove_prefix(more ? slash + 1 : rest.size());
    }
    const auto end = parts.begin() + static_cast<std::ptrdiff_t>(count);
    const bool whole =
        count >= 2 && rest.empty() && !text.ends_with('/')
        && std::none_of(parts.begin(), end, [](const std::string& part) { return part.empty(); });
    if (!whole) {
        return fail(
            Errc::invalid_argument,
            "\"" + std::string(text) + "\" is no platform such as linux/arm64 or linux/arm/v7"
        );
    }
    return PlatformText{std::move(parts[0]), std::move(parts[1]), std::move(parts[2])};
}

} // namespace

Result<> add_json_platform(
    Request& request, std::string_view platform, ApiVersion since, const Traits& traits
)
{
    if (platform.empty()) return ok();
    TRY(const PlatformText parsed, parse_platform(platform));
    if (traits.api < since) {
        return fail(
            Errc::unsupported,
            "API " + to_string(traits.api) + " cannot choose a platform here, " + to_string(since)
                + " can"
        );
    }
    TRY(const std::string text, json::encode(parsed));
    request.query("platform", text);
    return ok();
}

} // namespace engine

} // namespace slipway
