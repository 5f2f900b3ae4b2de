#pragma once

#include <slipway/engine/auth.hpp>
#include <slipway/engine/result.hpp>

#include <map>
#include <string>

namespace slipway::engine {

/// The value of `X-Registry-Auth`. Errors: invalid_argument (not UTF-8), without any of the values.
Result<std::string> auth_header(const RegistryAuth& auth);

/// The value of `X-Registry-Config`: the same for several registries.
Result<std::string> auth_header(const std::map<std::string, RegistryAuth>& registries);

} // namespace slipway::engine
