#pragma once

#include <slipway/engine/reference.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace slipway::engine::credentials {

/// Where an image is: "docker.io" and "library/debian".
struct Place {
    std::string registry; ///< host with its port, lower case; one name for all those of the Hub
    std::string path;
};
Place place_of(const Reference& reference);

/// What docker calls a registry in its files and to helpers: "https://index.docker.io/v1/" for the
/// Hub, else its host.
std::string docker_key(std::string_view registry);

/// Whether a path after a host in a key names images or is a relic of a URL, as docker takes it.
enum class KeyPath { of_images, of_url };

/// How well a key of a file fits a place, more is better; nothing when it does not.
std::optional<std::size_t> fit(std::string_view key, const Place& place, KeyPath path);

} // namespace slipway::engine::credentials
