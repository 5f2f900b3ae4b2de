#include "sandbox/pool/encoding.hpp"

#include <string_view>

namespace slipway::core::pool {

namespace {

bool is_this_machine(const engine::Endpoint& endpoint)
{
    const std::string_view host = endpoint.host;
    return endpoint.scheme == engine::Endpoint::Scheme::unix_socket || host == "localhost"
           || host == "::1" || host.starts_with("127.");
}

} // namespace

agent::Encoding encoding_on(Road road, const engine::Endpoint& endpoint)
{
    const bool plain = road == Road::socket || is_this_machine(endpoint);
    return plain ? agent::Encoding::plain : agent::Encoding::zstd;
}

} // namespace slipway::core::pool
