#pragma once

#include "context.hpp"

#include <slipway/engine/client.hpp>

namespace slipway::cli {

/// The client options that the global options, the environment and docker's config.json ask for:
/// --verbose prints each call, and `HttpHeaders` go with each. A file that cannot be read is a
/// warning, and there are none then. The context must outlive the client.
Result<engine::ClientOptions> client_options(Context& context);

/// Finds the engine and connects to it. The context must outlive the client. A failure sets
/// Context::no_engine unless the configuration was wrong.
/// Errors: those of engine::discover and engine::Client::connect.
Task<engine::Client> connect(Context& context);

/// The proxies of docker's config.json for containers. A file that cannot be read is a warning, and
/// there are none then, as for the docker command.
const engine::Proxies& proxies_for(Context& context);

} // namespace slipway::cli
