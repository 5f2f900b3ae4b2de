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
