#include "credentials/registry_name.hpp"

#include "discovery/text.hpp"

#include <algorithm>

namespace slipway::engine::credentials {

namespace {

constexpr std::string_view hub = "docker.io";
constexpr std::string_view hub_key = "https://index.docker.io/v1/";

std::string registry_name(std::string_view host)
{
    std::string name = discovery::to_lower(host);
    if (name == "index.docker.io" || name == "registry-1.docker.io") return std::string(hub);
    return name;
}

/// The version of a registry's API, which old keys have behind their host.
bool is_api(std::string_view path)
{
    return path == "v1" || path == "v2";
}

} // namespace

Place place_of(const Reference& reference)
{
    Place place;
    place.registry = registry_of(reference);
    const std::string& name = reference.name;
    const auto slash = name.find('/');
    const bool has_host =
        slash != std::string::npos && registry_name(name.substr(0, slash)) == place.registry;
    place.path = has_host ? name.substr(slash + 1) : name;
    if (place.registry == hub && place.path.find('/') == std::string::npos) {
        place.path.insert(0, "library/");
    }
    return place;
}

std::string docker_key(std::string_view registry)
{
    return std::string(registry == hub ? hub_key : registry);
}

std::optional<std::size_t> fit(std::string_view key, const Place& place, KeyPath meaning)
{
    // The ranks below those of a path, which count its bytes.
    enum : std::size_t { host_of_another_path, host, exact, path_begins };
    if (key == docker_key(place.registry)) return exact;
    std::string_view rest = key;
    const auto colons = rest.find("://");
    const bool is_url = colons != std::string_view::npos;
    if (is_url) rest.remove_prefix(colons + 3);
    const auto slash = std::min(rest.find('/'), rest.size());
    if (registry_name(rest.substr(0, slash)) != place.registry) return std::nullopt;
    std::string_view path = rest.substr(slash);
    while (path.starts_with('/')) {
        path.remove_prefix(1);
    }
    while (path.ends_with('/')) {
        path.remove_suffix(1);
    }
    if (path.empty() || is_url || is_api(path)) return host;
    const std::string_view image = place.path;
    if (image.starts_with(path) && (image.size() == path.size() || image[path.size()] == '/')) {
        return path_begins + path.size();
    }
    if (meaning == KeyPath::of_url) return host_of_another_path;
    return std::nullopt;
}

} // namespace slipway::engine::credentials
