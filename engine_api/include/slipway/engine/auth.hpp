#pragma once

#include <string>

namespace slipway::engine {

/// Who we are to a registry. It leaves in a header and appears in no Error.
struct RegistryAuth {
    std::string username;
    std::string password;
    std::string server_address; ///< "ghcr.io", "https://index.docker.io/v1/"
    std::string identity_token{};
    std::string registry_token{};
};

} // namespace slipway::engine
