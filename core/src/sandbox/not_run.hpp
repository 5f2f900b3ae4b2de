#pragma once

#include <slipway/engine/client.hpp>
#include <slipway/engine/result.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace slipway::core {

/// Why a command could not be started, with the exit code that a shell would give.
struct NotRun {
    int exit_code = 127; ///< 127: it is not there, 126: it cannot be executed
    std::string reason;  ///< "executable file not found in $PATH"
};

/// Whether no file can have `program` as its path.
bool is_too_long(std::string_view program);

/// Reads it out of an engine's refusal to start a container; nothing when it is about something
/// else.
std::optional<NotRun> not_run(const Error& refusal, std::string_view program);

/// Looks for `program` as execvp would in a container that has ended. Under an init a command that
/// is not there is an ordinary exit, whose code depends on the init.
Task<std::optional<NotRun>>
look_for_program(engine::Client client, std::string container, std::string program);

} // namespace slipway::core
