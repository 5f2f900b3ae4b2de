#pragma once

#include <string>

namespace slipway::engine {

/// Who we are to a registry; see find_credentials. It leaves in a header or in the body of a login,
/// and its password and tokens appear in no Error: not even where the engine repeats them.
struct RegistryAuth {
    std::string username;
    std::string password;
    std::string server_address; ///< "ghcr.io", "https://index.docker.io/v1/"
    std::string identity_token{};
    std::string registry_token{};
};

} // namespace slipway::engine
