#pragma once

#include "support/fake_transport.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::test {

/// One call of an endpoint with arguments that are good enough; what it gives is read to its end.
using EndpointCall = std::function<Task<>(engine::Transport&)>;

struct NamedCall {
    const char* name;
    EndpointCall call;
};
std::vector<NamedCall> every_endpoint();

/// What these calls carry and nothing that people see may show.
namespace canary {
inline constexpr const char* password = "canary-of-the-password";
inline constexpr const char* identity_token = "canary-of-the-identity-token";
inline constexpr const char* registry_token = "canary-of-the-registry-token";
inline constexpr const char* build_arg = "canary-of-the-build-arg";
inline constexpr const char* proxy_password = "canary-of-the-proxy";
inline constexpr const char* proxy = "http://user:canary-of-the-proxy@proxy.example:3128";
} // namespace canary
EndpointCall call_named(std::string_view name);

/// A recorded JSON reply and the endpoint that reads it.
struct NamedReply {
    const char* endpoint;
    const char* file;
    std::size_t read;            ///< values whose type matters, at least
    bool podman = true;          ///< recorded from podman too
    Errc empty = Errc::protocol; ///< what an empty body is
};
std::vector<NamedReply> every_json_reply();
std::vector<std::string> recorded_replies(const NamedReply& reply);

} // namespace slipway::test
