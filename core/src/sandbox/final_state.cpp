#include "sandbox/final_state.hpp"

#include <slipway/engine/containers.hpp>
#include <slipway/engine/pause.hpp>

namespace slipway::core {

using namespace std::chrono_literals;

// The end of the output most often means that the exit is a few milliseconds away, which podman's
// wait would round up to its 250 ms of polling. A command that goes on is waited for in the proper
// way: it has closed its outputs, or its connection was lost.
Task<FinalState> final_state(engine::Client client, std::string container)
{
    engine::Containers containers(client.transport());
    FinalState state;
    for (auto step = 1ms;;) {
        CO_TRY(const engine::ContainerInfo info, co_await containers.inspect(container));
        if (!info.state.running && info.state.status != "created") {
            state.exit_code = info.state.exit_code;
            state.out_of_memory = info.state.oom_killed;
            co_return state;
        }
        if (step > 1s) {
            state.outlived_its_output = true;
            CO_TRY(auto wait, co_await containers.wait(container));
            CO_CHECK(co_await wait.result());
            step = 1ms; // an engine may answer a little before the state is there
        } else {
            CO_CHECK(co_await engine::pause(step));
            step *= 2;
        }
    }
}

} // namespace slipway::core
