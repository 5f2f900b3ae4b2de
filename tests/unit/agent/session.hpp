#pragma once

#include "client.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::test {

/// A session with an agent of its own, over its stdin and stdout.
struct Session {
    AgentProcess process{{{"--idle-ms", "60000"}, false, true}};
    AgentClient client{process.stream()};

    Session() { REQUIRE(client.begin().type == agent::Type::welcome); }

    Outcome pack(std::vector<std::string> words)
    {
        agent::Run run = program(std::move(words));
        run.what = static_cast<std::uint8_t>(agent::What::pack);
        run.has_in = false;
        return client.run(run);
    }
    Outcome unpack(const std::string& directory, std::string_view tar)
    {
        agent::Run run = program({directory});
        run.what = static_cast<std::uint8_t>(agent::What::unpack);
        return client.run(run, tar);
    }
};

} // namespace slipway::test
