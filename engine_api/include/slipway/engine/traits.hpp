#pragma once

#include <slipway/engine/result.hpp>

#include <chrono>
#include <compare>
#include <string>
#include <string_view>

namespace slipway::engine {

/// An API version such as 1.41. Compares as numbers.
struct ApiVersion {
    int major = 0;
    int minor = 0;

    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the defaulted comparison for a 0
    friend auto operator<=>(const ApiVersion&, const ApiVersion&) = default;
};
std::string to_string(ApiVersion version);
/// Reads "1.41". Errors: invalid_argument.
Result<ApiVersion> parse_api_version(std::string_view text);

/// The newest version this library was written against; less is used when the engine offers less.
inline constexpr ApiVersion newest_api{1, 51};
/// Below this `connect` refuses: 1.24 is the oldest version that engines of today still accept.
inline constexpr ApiVersion oldest_api{1, 24};

/// Whether this library speaks a version that somebody asked for. Errors: invalid_argument.
Result<> check_api_version(ApiVersion version);

enum class EngineKind { docker, podman };
std::string_view to_string(EngineKind kind) noexcept;

/// What is known of an engine after `/_ping`: who it is, and where it differs from the API's text.
/// Endpoints ask for a named difference, never for the kind.
struct Traits {
    EngineKind kind = EngineKind::docker;
    ApiVersion api{};        ///< in use: min(ours, the engine's)
    ApiVersion engine_api{}; ///< the engine's newest
    std::string os;          ///< "linux"; empty on podman 4
    std::string server; ///< the Server header: "Docker/20.10.24 (linux)", "Libpod/4.3.1 (linux)"
    int builder_version = 1;                    ///< 2 when the engine advises BuildKit
    bool put_archive_makes_directories = false; ///< podman: PUT archive to a missing path is no 404
    bool reports_exit_code_before_exec_ends = false; ///< podman: ExitCode is 0 while an exec runs
    bool auto_remove_hides_exit_code = false; ///< podman 4: wait(removed) says 0 whatever happened
    bool missing_bind_source_is_created =
        false;                              ///< podman: no 400 for a bind source that is absent
    bool build_extra_hosts_is_json = false; ///< podman: `extrahosts` is one JSON array
    bool build_ulimits_are_text = false;    ///< podman: `ulimits` is ["nofile=10:20"]
    bool build_survives_disconnect =
        false; ///< podman: closing a build's connection does not stop it
    std::chrono::milliseconds idle_limit{30'000}; ///< how long an idle connection can be trusted
};

} // namespace slipway::engine
