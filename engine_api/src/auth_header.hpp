#pragma once

#include <slipway/engine/auth.hpp>
#include <slipway/engine/transport.hpp>

#include <map>
#include <string>

namespace slipway::engine {

/// What of `auth` no Error may show.
void add_secrets(Request& request, const RegistryAuth& auth);

/// Adds `X-Registry-Auth`. Errors: invalid_argument (not UTF-8), without any of the values.
Result<> add_auth(Request& request, const RegistryAuth& auth);

/// Adds `X-Registry-Config`: the same for several registries.
Result<> add_auth(Request& request, const std::map<std::string, RegistryAuth>& registries);

} // namespace slipway::engine
