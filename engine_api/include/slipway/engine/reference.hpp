#pragma once

#include <slipway/engine/result.hpp>

#include <string>
#include <string_view>

namespace slipway::engine {

/// An image reference in its parts: `name[:tag][@digest]`.
struct Reference {
    std::string name;   ///< "debian", "ghcr.io/cross-rs/base", "localhost:5000/a/b"
    std::string tag;    ///< may be empty
    std::string digest; ///< "sha256:..."; may be empty
};

/// Errors: invalid_argument (empty, a part that is empty, white space, upper case in the name).
Result<Reference> parse_reference(std::string_view text);

/// The registry that an image is in: its host with the port, in lower case. All names of the Hub,
/// and none, are "docker.io".
std::string registry_of(const Reference& reference);

/// One spelling for what engines spell differently: without the Hub's names and the "library/" of
/// its official images in front, or without "localhost/"; with ":latest" where there is neither tag
/// nor digest.
std::string normalized(std::string_view reference);

/// The two name the same image in the local store of an engine.
bool same_reference(std::string_view one, std::string_view other);

/// An image or container id without "sha256:", which engines add as they please.
std::string_view bare_id(std::string_view id) noexcept;

} // namespace slipway::engine
