#pragma once

#include "agent/messages.hpp"

#include <slipway/engine/bytes.hpp>
#include <slipway/engine/containers.hpp>

#include <chrono>
#include <functional>
#include <variant>

namespace slipway::core {

/// How a job of an agent ended: with an exit code or a signal, or it could not be started.
using JobEnd = std::variant<agent::Exit, agent::Failed>;

/// Where a job's streams lead. All are borrowed and must outlive the run.
struct JobIo {
    engine::ByteSource* in = nullptr; ///< forwarded until its end; none: stdin is empty
    engine::ByteSink* out = nullptr;  ///< none: dropped
    engine::ByteSink* err = nullptr;  ///< none: dropped
    /// Called with a function that sends the job's process group a signal, until the run ends.
    std::function<void(std::function<void(int)>)> on_signal;
    /// With a terminal: called with a function that tells it its size, until the run ends.
    std::function<void(std::function<void(engine::TerminalSize)>)> on_terminal;
    /// The signal that its process group gets when it is cancelled; none: SIGTERM.
    std::function<int()> stop_signal;
    /// How long the job may take to end by itself then.
    std::chrono::milliseconds grace{1'000};
};

} // namespace slipway::core
