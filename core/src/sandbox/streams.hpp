#pragma once

#include <slipway/engine/bytes.hpp>
#include <slipway/engine/result.hpp>
#include <slipway/engine/traits.hpp>

namespace slipway::core {

/// A byte that no terminal sends: with the engine's own keys, Ctrl-P would be held back, and Ctrl-P
/// Ctrl-Q would leave a command behind that nobody can reach.
inline constexpr const char* no_detach_keys = "\xff";

/// Moves stdin until its end, or until it cannot be read. The command may end, or close its stdin,
/// at any time: engines then stop reading or answer with a broken pipe, which is no error here.
Task<> forward(engine::ByteSource& from, engine::DuplexStream& to, bool terminal);

/// What a connection that the engine resets says of a command's output.
enum class OnReset { fail, end };

/// That of a command: Traits::unread_stdin_may_reset is for those that have a stdin.
OnReset on_reset(const engine::Traits& traits, bool has_stdin) noexcept;

/// Moves what a command writes until its end; with a terminal, all of it to `out`. A reset is no
/// end inside of a frame. Errors: truncated, those of the sinks and of the connection.
Task<> receive(
    engine::DuplexStream& from,
    engine::ByteSink* out,
    engine::ByteSink* err,
    bool terminal,
    OnReset reset
);

/// The engine's refusal to start a container with its own init, for want of one.
bool lacks_init(const Error& error);

} // namespace slipway::core
