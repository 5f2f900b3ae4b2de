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
/// All switches on the version in dockerd's routes up to this one were read: from 1.52 on events
/// lose members, and disk usage has another form, both of which are read in either form.
inline constexpr ApiVersion newest_api{1, 55};
/// Below this `connect` refuses: 1.24 is the oldest version that engines of today still accept.
inline constexpr ApiVersion oldest_api{1, 24};

/// Whether this library speaks a version that somebody asked for. Errors: invalid_argument.
Result<> check_api_version(ApiVersion version);

enum class EngineKind { docker, podman };
std::string_view to_string(EngineKind kind) noexcept;

/// What pruning images makes of the filter `dangling=false`.
enum class PruneTagged {
    with_dangling, ///< docker: all images that nothing uses
    alone,         ///< podman from 4.8 on: those with a name, but not those without
    refused,       ///< podman before 4.8: an error
};

/// Which drivers an engine hears of in HostConfig::device_requests. It passes over the others.
enum class DeviceDrivers {
    any,  ///< docker from API 1.40 on
    cdi,  ///< podman from 5.4 on
    none, ///< podman before 5.4
};

/// What is known of an engine after `/_ping`: who it is, and where it differs from the API's text.
/// Endpoints ask for a named difference, never for the kind.
struct Traits {
    EngineKind kind = EngineKind::docker;
    ApiVersion api{};        ///< in use: min(ours, the engine's)
    ApiVersion engine_api{}; ///< the engine's newest
    std::string os;          ///< "linux"; empty on podman 4
    /// The Server header as one printable line: "Docker/20.10.24 (linux)", "Libpod/4.3.1 (linux)".
    std::string server;
    int builder_version = 1; ///< 2 when the engine advises BuildKit

    // What the endpoints act on.

    bool reports_exit_code_before_exec_ends = false; ///< podman: ExitCode is 0 while an exec runs
    bool build_extra_hosts_is_json = false;          ///< podman: `extrahosts` is one JSON array
    bool build_ulimits_are_text = false;             ///< podman: `ulimits` is ["nofile=10:20"]
    bool pull_ends_with_a_layer = false;       ///< podman: and not with a message "Status: ..."
    bool events_have_libpod_names = false;     ///< podman: "remove", and "died" in filters
    bool past_events_need_an_open_end = false; ///< podman: an `until` that is over loses events
    bool volume_prune_spares_named = false;    ///< docker from API 1.42 on: unless `all` is set
    /// podman: a volume that fits one of several filters is listed, and pruned
    bool volume_filters_are_alternatives = false;
    bool network_remove_by_id_ignores_use = false; ///< podman: by name it refuses one in use
    PruneTagged prune_tagged = PruneTagged::with_dangling;
    /// podman 5: a forced removal sends SIGTERM and waits 10 s before it kills
    bool forced_removal_stops_first = false;
    DeviceDrivers device_drivers = DeviceDrivers::any;
    bool can_create_in_networks = true; ///< several: podman 4; docker from API 1.44 on
    bool can_stop_with_signal = true;   ///< with one of the caller's: docker from API 1.42 on
    bool can_log_details = true;        ///< podman: no
    bool can_build_remote = true;       ///< podman: no
    bool can_buildkit = false;          ///< docker on Linux from API 1.39 on, whatever it advises
    bool buildkit_has_limits = false;   ///< docker from API 1.42 on: ulimits, the size of /dev/shm
    std::chrono::milliseconds idle_limit{30'000}; ///< how long an idle connection can be trusted

    // What callers may want to know before they start; nothing in this library acts on it.

    // Of all calls.

    bool ignores_api_version = false;      ///< podman: a version it has not is no error
    bool wrong_input_is_a_failure = false; ///< podman: 500 where docker says 400

    // Containers, execs and their streams.

    bool can_update_containers = true;        ///< podman: from 5.1 on
    bool auto_remove_hides_exit_code = false; ///< podman 4: wait(removed) says 0 whatever happened
    /// podman: mostly, and 0 now and then on a busy machine; docker always gives 0
    bool wait_for_created_may_give_minus_one = false;
    bool missing_bind_source_is_created =
        false;                                ///< podman: no 400 for a bind source that is absent
    bool missing_exec_command_is_126 = false; ///< dockerd before 28: the others give 127
    bool second_exec_start_is_output = false; ///< dockerd: not refused, told as output
    bool half_close_keeps_output = false;     ///< podman: without StdinOnce, and on a terminal, too
    bool unread_stdin_may_reset = false;      ///< podman: the output can be lost with it
    /// podman: on a busy machine a log that is followed can end before the container's last lines,
    /// without an error, or, rarely, not end at all
    bool follow_may_lose_the_end = false;
    /// podman: a container's stdin is closed for good when a client that is attached to it leaves,
    /// also without `stdin_once`.
    bool stdin_ends_with_client = false;

    // Files.

    bool put_archive_makes_directories = false; ///< podman: PUT archive to a missing path is no 404
    bool put_archive_clamps_parents = false;    ///< podman: `../x` lands inside; docker refuses it
    bool put_archive_takes_zstd = true;         ///< dockerd: from 23 on
    bool get_archive_loses_owners = false;      ///< podman: all files are the container's user's

    // Images and builds.

    bool build_survives_disconnect =
        false; ///< podman: closing its connection does not stop a build
    /// docker from API 1.42 on: its BuildKit knows here-documents and COPY --link by itself
    bool buildkit_has_heredocs = false;
    /// docker from API 1.42 on: its BuildKit asks the registry when the image here is of another
    /// platform than the wanted one
    bool buildkit_minds_platform = false;
    bool build_checks_in_stream = false;    ///< podman: a wrong Dockerfile is no 400
    bool build_applies_ignore_file = false; ///< podman: .dockerignore of a context
    bool can_squash = false;                ///< podman; dockerd: with `experimental`
    bool can_prune_build_cache = true;      ///< podman: no; nor is there a build to cancel
    bool commit_adds_variables = false;     ///< podman: PATH, TERM, container
    bool import_ignores_tag = false;        ///< podman 4: the image is named "latest"
    bool can_inspect_distribution = true;   ///< podman: no
    bool push_digest_is_local = false;      ///< podman: the registry does not know RepoDigests

    // The engine.

    bool info_id_changes = false; ///< podman: EngineInfo::id is new at every call
    bool can_swarm = true;        ///< podman: no services, tasks or swarm
};

} // namespace slipway::engine
