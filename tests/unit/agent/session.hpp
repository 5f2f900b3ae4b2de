#pragma once

#include "client.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace slipway::test {

/// A session with an agent of its own, over its stdin and stdout.
struct Session {
    AgentProcess process{{{"--idle-ms", "60000"}, false, true}};
    AgentClient client{process.stream()};

    Session() { REQUIRE(client.begin().type == agent::Type::welcome); }
};

/// The same over its socket, where descriptors can be sent and others can come.
struct SocketSession {
    explicit SocketSession(bool own_namespace = false, std::vector<std::string> before = {})
        : process(
            {{"--socket", socket(), "--idle-ms", "60000"},
             own_namespace,
             false,
             false,
             std::move(before)}
        ),
          client(socket())
    {
        REQUIRE(client.begin().type == agent::Type::welcome);
    }

    std::string socket() const { return directory.path() / "socket"; }

    TempDirectory directory;
    AgentProcess process;
    AgentClient client;
};

} // namespace slipway::test
