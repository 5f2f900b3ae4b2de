#pragma once

#include <slipway/engine/discovery.hpp>

#include <optional>
#include <string>

// What is made of an answer, or of none: states, and words for a person.
namespace slipway::engine::discovery {

/// The state that a failed ping of `endpoint` shows.
ProbeState classify(const Endpoint& endpoint, const Error& error);

/// The row of a candidate that answered.
Probed answered(Candidate candidate, Traits traits);

/// The row of a candidate whose ping failed.
Probed failed_ping(Candidate candidate, Error error);

/// The row of a candidate whose ping had not ended in time.
Probed timed_out(Candidate candidate, std::chrono::milliseconds timeout);

/// The row of a candidate that needs no ping, since its file already shows that nobody can be
/// reached; nothing for one that has to be asked.
std::optional<Probed> without_asking(const Candidate& candidate);

/// The error for a user when no row answered.
Error nobody_answered(const std::vector<Probed>& rows);

} // namespace slipway::engine::discovery
