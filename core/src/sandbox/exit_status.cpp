#include "sandbox/exit_status.hpp"

#include <slipway/core/sandbox.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/pause.hpp>

namespace slipway::core {

using namespace std::chrono_literals;

// The end of the output most often means that the exit is a few milliseconds away, which podman's
// wait would round up to its 250 ms of polling. A command that closed its outputs and goes on is
// waited for in the proper way.
Task<FinalState> final_state(engine::Client client, std::string container)
{
    engine::Containers containers(client.transport());
    for (auto step = 1ms;; step *= 2) {
        CO_TRY(const engine::ContainerInfo info, co_await containers.inspect(container));
        if (!info.state.running && info.state.status != "created") {
            FinalState state;
            state.exit_code = info.state.exit_code;
            state.out_of_memory = info.state.oom_killed;
            co_return state;
        }
        if (step > 256ms) {
            CO_TRY(auto wait, co_await containers.wait(container));
            CO_CHECK(co_await wait.result());
            step = 1ms;
            continue;
        }
        CO_CHECK(co_await engine::pause(step));
    }
}

// Engines tell the two apart in words only: docker's start gives 400 or 404, podman's attach, which
// prepares the container, 409 or 500.
std::optional<int> exit_code_of(const Error& error)
{
    const auto says = [&](std::string_view words) {
        return error.message.find(words) != std::string::npos;
    };
    const std::string route = error.answer ? error.answer->route : "";
    if (!route.ends_with("/start") && !route.ends_with("/attach")) return {};
    // Other things are "not found" at a start, too: a network, say.
    const bool about_the_command = says("exec: ") || says("container process")
                                   || says("OCI runtime attempted")
                                   || says("OCI permission denied");
    if (!about_the_command) return {};
    if (says("ermission denied") || says("is a directory") || says("xec format error")) return 126;
    if (says("not found") || says("no such file or directory")) return 127;
    return {};
}

} // namespace slipway::core
