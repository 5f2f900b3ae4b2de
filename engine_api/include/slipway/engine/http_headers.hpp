#pragma once

#include <slipway/engine/discovery.hpp>
#include <slipway/engine/result.hpp>
#include <slipway/engine/transport.hpp>

namespace slipway::engine {

/// `HttpHeaders` of config.json in DOCKER_CONFIG, else in ~/.docker, for ClientOptions::headers:
/// docker sends them with every request, and proxies in front of an engine may ask for them. Those
/// that docker does not let a user set are left out. None when there is no file.
/// Errors: invalid_argument (the message names the file and the place in it, and no value),
/// permission_denied, io.
Result<Headers> read_http_headers(const Environment& environment);

} // namespace slipway::engine
