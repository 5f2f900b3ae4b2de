#pragma once

#include <slipway/core/road.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/discovery.hpp>
#include <slipway/engine/result.hpp>
#include <slipway/engine/system.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// Whether an engine sees a directory of this machine, so that containers can use it in place.
enum class FileSight {
    seen,     ///< a file made here was found in a container
    not_seen, ///< the engine has other files at that path, or none
    unknown,  ///< could not be tried
};
std::string_view to_string(FileSight sight) noexcept;

struct DirectorySight {
    std::filesystem::path directory;
    FileSight sight = FileSight::unknown;
    std::string detail{}; ///< why it is unknown, or what the engine said; may be empty
};

enum class Security { local_socket, plain_tcp, tls, tls_unverified, ssh };
std::string_view to_string(Security security) noexcept;

/// The engine that is used.
struct EngineReport {
    engine::Traits traits;
    /// GET /version is not asked: /info has what matters, and podman takes a second for the other.
    engine::EngineInfo info;
    std::string architecture; ///< Go's name, on every engine: "amd64", "arm64"
    Security security = Security::local_socket;
    std::vector<DirectorySight> directories; ///< in the order of DoctorQuestion::directories
    /// How sandboxes are reached: by exec where there is no agent for this architecture.
    std::optional<Road> sandboxes;
    /// "IMAGE: why", of images with sandboxes in which the agent could not run: for ten minutes
    /// those of the same spec are reached by exec, without another try; see acquire.
    std::vector<std::string> without_agent;
    std::vector<std::string> problems; ///< what could not be found out, and why
};

struct DoctorQuestion {
    engine::Environment environment{};
    std::optional<std::string> host_option{};
    engine::ClientOptions client{};
    /// Where to try whether the engine sees our files. Those that cannot be written are unknown.
    std::vector<std::filesystem::path> directories{};
    std::chrono::milliseconds timeout = engine::default_ping_timeout; ///< for an answer to the ping
    bool agent = true;                                                ///< as PoolOptions::agent
};

struct DoctorReport {
    std::vector<engine::Probed> candidates; ///< all, in the order of discovery
    std::optional<std::size_t> used;        ///< index of the one that is used
    std::string reason;                     ///< why that one, or why none
    std::vector<std::string> advice;        ///< when none is used: what to do, the best first
    std::optional<EngineReport> engine;     ///< set when and only when `used` is
};

/// Asks every place where an engine may be, at the same time, and the one that is used for more.
///
/// To find out whether it sees our files, a marker file is written into a fresh directory below
/// each of the given ones, and a container that is never started gets the given ones as read-only
/// binds. The container is made from an image that is there, or from an empty one. Markers,
/// container and image are gone when this returns, also after an error or a cancellation. Podman
/// makes a given directory that it does not have, on its own machine.
///
/// Errors: cancelled. Whatever else fails is part of the report, configuration that cannot be
/// understood too.
Task<DoctorReport> diagnose(DoctorQuestion question);

} // namespace slipway::core
