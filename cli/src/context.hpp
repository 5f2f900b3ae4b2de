#pragma once

#include "printer.hpp"

#include <slipway/core/workspace.hpp>
#include <slipway/engine/discovery.hpp>
#include <slipway/engine/proxies.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace slipway::cli {

/// The options that stand before or after any command.
struct Globals {
    std::optional<std::string> host; ///< --host
    bool verbose = false;
    bool quiet = false;
    ColorChoice color = ColorChoice::automatic;
    core::FilesBy files = core::FilesBy::any; ///< --files
};

/// What every command gets. Lives as long as the process.
struct Context {
    Globals globals{};
    Printer* printer = nullptr; ///< set before a command runs
    engine::Environment environment{};

    /// What proxies_for has read, once.
    std::optional<engine::Proxies> proxies{};

    /// The words for the program that `run`, `cargo` or `build` start, as they were typed.
    std::vector<std::string> rest{};

    /// What was chosen on the command line; returns the exit code. Set by the command's callback.
    std::function<int(Context&)> command{};

    /// No engine could be had, whatever the kind of the error. Set by `connect`.
    bool no_engine = false;

    /// The first signal that asked for the end; 0: none did. Set by the event loop.
    int ended_by = 0;
};

} // namespace slipway::cli
