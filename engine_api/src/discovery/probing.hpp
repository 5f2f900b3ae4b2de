#pragma once

#include <slipway/engine/discovery.hpp>

#include <cstdint>
#include <optional>
#include <string>

// What is made of an answer, or of none: states, and words for a person.
namespace slipway::engine::discovery {

/// Whose a socket file is. A name is empty where the user database has none.
struct SocketOwner {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t mode = 0; ///< permission bits
    std::string user;
    std::string group;
};

/// The owner of the file at `path`; nothing when it cannot be asked for.
std::optional<SocketOwner> socket_owner(const std::string& path);

/// What a user does who may not connect to a socket.
std::string permission_hint(const std::optional<SocketOwner>& owner);

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
