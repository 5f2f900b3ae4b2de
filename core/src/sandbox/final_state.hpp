#pragma once

#include <slipway/engine/client.hpp>
#include <slipway/engine/result.hpp>

#include <cstdint>
#include <string>

namespace slipway::core {

struct FinalState {
    std::int64_t exit_code = 0;
    bool out_of_memory = false;
    bool outlived_its_output = false; ///< it went on for seconds after its output had ended
};

/// How a container that was started, and whose output has ended, ended; waits for its end.
Task<FinalState> final_state(engine::Client client, std::string container);

} // namespace slipway::core
