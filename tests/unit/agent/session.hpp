#pragma once

#include "client.hpp"

#include <doctest/doctest.h>

namespace slipway::test {

/// A session with an agent of its own, over its stdin and stdout.
struct Session {
    AgentProcess process{{{"--idle-ms", "60000"}, false, true}};
    AgentClient client{process.stream()};

    Session() { REQUIRE(client.begin().type == agent::Type::welcome); }
};

} // namespace slipway::test
