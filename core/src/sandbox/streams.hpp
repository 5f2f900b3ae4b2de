#pragma once

#include <slipway/engine/bytes.hpp>
#include <slipway/engine/result.hpp>

namespace slipway::core {

/// A byte that no terminal sends: with the engine's own keys, Ctrl-P would be held back, and Ctrl-P
/// Ctrl-Q would leave a command behind that nobody can reach.
inline constexpr const char* no_detach_keys = "\xff";

/// Moves stdin until its end, or until it cannot be read. The command may end, or close its stdin,
/// at any time: engines then stop reading or answer with a broken pipe, which is no error here.
Task<> forward(engine::ByteSource& from, engine::DuplexStream& to, bool terminal);

/// Moves what a command writes until its end; with a terminal, all of it to `out`.
Task<>
receive(engine::DuplexStream& from, engine::ByteSink* out, engine::ByteSink* err, bool terminal);

/// Podman resets the connection, after all output, when a command has ended without reading its
/// stdin. How it ended is asked for in any case.
bool reset_by_peer(const Error& error);

/// The engine's refusal to start a container with its own init, for want of one.
bool lacks_init(const Error& error);

} // namespace slipway::core
