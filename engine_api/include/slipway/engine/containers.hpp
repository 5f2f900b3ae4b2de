#pragma once

#include <slipway/engine/changes.hpp>
#include <slipway/engine/container_spec.hpp>
#include <slipway/engine/container_update.hpp>
#include <slipway/engine/filters.hpp>
#include <slipway/engine/processes.hpp>
#include <slipway/engine/prune.hpp>
#include <slipway/engine/stats.hpp>
#include <slipway/engine/transport.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::engine {

struct CreatedContainer {
    std::string id;                    ///< 64 lower-case hex digits
    std::vector<std::string> warnings; ///< the engine's text: show it, never parse it
};

struct ContainerState {
    /// "created", "running", "paused", "restarting", "removing", "exited", "dead" on docker; podman
    /// adds "stopped", "stopping", "initialized", "configured", and others may come.
    std::string status;
    bool running = false;
    bool paused = false;
    bool oom_killed = false;
    std::int64_t pid = 0; ///< on the engine's host; 0 when not running
    std::int64_t exit_code = 0;
    std::string error; ///< why it could not start
    /// "starting", "healthy", "unhealthy"; "none" or empty (podman) without a health check.
    std::string health;
    std::string started_at;  ///< RFC 3339
    std::string finished_at; ///< RFC 3339; "0001-01-01T00:00:00Z" when it never ended
};

/// The part of a container's configuration that callers read back.
struct ContainerConfig {
    std::string image; ///< as it was given at creation
    std::vector<std::string> cmd;
    std::vector<std::string> entrypoint;
    std::vector<std::string> env;
    std::map<std::string, std::string> labels;
    std::string working_dir;
    std::string user;
    std::string hostname;
    bool tty = false; ///< decides whether attach and logs are framed
    bool open_stdin = false;
    bool stdin_once = false;
    std::string stop_signal; ///< podman: a number in decimal, "15"
};

struct MountPoint {
    std::string type; ///< "bind", "volume", "tmpfs"
    std::string name; ///< of a volume
    std::string source;
    std::string destination;
    std::string driver;
    bool writable = true;
};

struct NetworkEndpoint {
    std::string network_id;
    std::string ip_address;
    std::string gateway;
    std::string mac_address;
    std::vector<std::string> aliases; ///< those asked for; engines add the short id
};

struct ContainerInfo {
    std::string id;
    std::string name;     ///< without the leading '/'
    std::string image_id; ///< of the image it was made from
    std::string created;  ///< RFC 3339
    ContainerState state;
    ContainerConfig config;
    std::vector<MountPoint> mounts;
    std::map<std::string, NetworkEndpoint> networks;
    /// Exposed port ("8080/tcp") -> where it is reached, while it runs; nowhere when it is empty.
    std::map<std::string, std::vector<PortBinding>> ports;
    std::string network_mode;
    bool auto_remove = false;
    std::int64_t restart_count = 0; ///< by its restart policy
};

struct ContainerSummary {
    std::string id;
    std::vector<std::string> names; ///< without the leading '/'
    std::string image;
    std::string image_id;
    std::string command;
    std::int64_t created = 0; ///< Unix seconds
    std::string state;        ///< as ContainerState::status
    std::string status;       ///< for people: "Up 2 hours"
    std::map<std::string, std::string> labels;
    std::vector<MountPoint> mounts;
    std::optional<std::int64_t> size_rw{};      ///< bytes it wrote; where sizes were asked for
    std::optional<std::int64_t> size_root_fs{}; ///< bytes with its image
};

struct ListContainers {
    bool all = false;   ///< also those that do not run
    bool sizes = false; ///< count bytes too, which walks over every container's files
    std::optional<std::int64_t> limit{}; ///< the newest so many, running or not
    Filters filters;
};

struct RemoveContainer {
    bool force = false;   ///< kill it first
    bool volumes = false; ///< remove its anonymous volumes too
};

/// Whether a call changed something, or found the object in the wanted state (HTTP 304).
enum class Change { done, already };

/// Which exit a wait is for.
enum class WaitCondition {
    not_running, ///< now, if it does not run: a created container gives 0 (docker) or -1 (podman)
    next_exit,   ///< the next one; podman polls every 250 ms and can miss a short run
    removed, ///< after its removal; podman 4 says code 0 then (Traits::auto_remove_hides_exit_code)
};

struct ExitStatus {
    std::int64_t code = 0;
    std::string removal_error; ///< why an automatic removal failed; the code is right all the same
};

/// A wait that the engine has registered. Dropping it ends the wait, not the container.
class Wait {
public:
    Wait() = default; ///< Holds nothing; its result is Errc::internal.
    /// No error shows one of `secrets`.
    Wait(
        std::unique_ptr<ResponseStream> reply,
        std::string container,
        std::vector<std::string> secrets = {}
    )
        : reply_(std::move(reply)), container_(std::move(container)), secrets_(std::move(secrets))
    {
    }

    /// Waits for the exit, as long as it takes. Once per object, which must outlive the task.
    ///
    /// Errors: truncated (the connection ended first: inspect the container instead), protocol (a
    ///   proxy's text in place of the answer), cancelled.
    Task<ExitStatus> result();

    /// Ends the wait at once; a pending `result` fails.
    void close() noexcept;

private:
    std::unique_ptr<ResponseStream> reply_;
    std::string container_;
    std::vector<std::string> secrets_;
};

struct AttachOptions {
    bool in = false;
    bool out = true;
    bool err = true;
    std::string detach_keys{}; ///< "ctrl-p,ctrl-q"; with a terminal only
};

struct LogOptions {
    bool out = true;
    bool err = true;
    bool follow = false; ///< until the container ends; its last lines: see Containers::logs
    bool timestamps = false;
    std::optional<std::chrono::sys_time<std::chrono::nanoseconds>> since{};
    std::optional<std::chrono::sys_time<std::chrono::nanoseconds>> until{};
    std::optional<std::uint64_t> tail{}; ///< last lines; absent = all
    /// Begin each line with the attributes that LogConfig::options chose by "labels" or "env", as
    /// in "a=b,c=d line". Unsupported on podman: see Traits::can_log_details.
    bool details = false;
};

struct TerminalSize {
    std::uint16_t columns = 80;
    std::uint16_t rows = 24;
};

/// The containers of an engine. Valid as long as the transport.
///
/// Containers are named by id, by a unique start of it, or by name with or without a leading '/'.
/// Every argument is encoded before a function returns, so none need outlive the call. Besides the
/// listed errors all can fail with engine (5xx), protocol, unreachable, timed_out, cancelled.
/// Aggregates are passed as named objects: gcc 12 destroys temporaries in a co_await twice.
class Containers {
public:
    explicit Containers(Transport& transport) noexcept : transport_(&transport) {}

    /// Makes a container without starting it.
    /// Errors: invalid_argument (no image, HTTP 400), not_found (image absent: pull it first),
    ///   conflict (name in use), engine (podman: also wrong input), unsupported (several networks,
    ///   or devices of a driver: see Traits::can_create_in_networks and Traits::device_drivers).
    /// API: POST /containers/create, 1.24+; `platform` 1.41+, `device_requests` 1.40+, several
    ///   `networks` 1.44+. Source: api/swagger.yaml of moby, API 1.41 to 1.55.
    Task<CreatedContainer> create(const ContainerSpec& spec);
    Task<CreatedContainer> create(ContainerSpec&& spec) = delete;

    /// Errors: not_found. API: GET /containers/{id}/json.
    Task<ContainerInfo> inspect(std::string_view id);

    /// API: GET /containers/json.
    Task<std::vector<ContainerSummary>> list(const ListContainers& options);
    Task<std::vector<ContainerSummary>> list(ListContainers&& options) = delete;

    /// `already` when it runs. Errors: not_found, invalid_argument (dockerd: no such command or
    /// directory in the image, with exit code 127 or 126 in the state), engine (podman: the same).
    /// API: POST /containers/{id}/start.
    Task<Change> start(std::string_view id);

    /// Sends `signal`, by name or number, or else the container's own stop signal, and SIGKILL
    /// after `grace`; returns when the container has ended. `already` when it does not run.
    /// Errors: not_found, invalid_argument (no such signal), unsupported (a signal where the engine
    ///   takes none: see Traits::can_stop_with_signal).
    /// API: POST /containers/{id}/stop; `signal` 1.42+.
    Task<Change> stop(
        std::string_view id,
        std::chrono::seconds grace = std::chrono::seconds(10),
        std::string_view signal = {}
    );

    /// Sends a signal, by name or number, and does not wait.
    /// Errors: not_found, conflict (it does not run), invalid_argument (no such signal).
    /// API: POST /containers/{id}/kill.
    Task<> kill(std::string_view id, std::string_view signal = "SIGKILL");

    /// Stops it as `stop` does, and starts it again; one that does not run is started.
    /// Errors: those of `stop` and of `start`. API: POST /containers/{id}/restart; `signal` 1.42+.
    Task<> restart(
        std::string_view id,
        std::chrono::seconds grace = std::chrono::seconds(10),
        std::string_view signal = {}
    );

    /// Holds all its processes. Errors: not_found, conflict (it does not run, or is paused
    ///   already), unsupported (rootless podman with cgroup v1). API: POST /containers/{id}/pause.
    Task<> pause(std::string_view id);

    /// Errors: not_found, conflict (it is not paused). API: POST /containers/{id}/unpause.
    Task<> unpause(std::string_view id);

    /// Errors: not_found, conflict (name in use), invalid_argument (a name that is none; dockerd:
    ///   the one it has). API: POST /containers/{id}/rename.
    Task<> rename(std::string_view id, std::string_view name);

    /// Gives it other limits, and returns the engine's warnings. Errors: not_found,
    ///   invalid_argument, engine (podman: wrong input), unsupported (podman before 5.1: see
    ///   Traits::can_update_containers). API: POST /containers/{id}/update, 1.22+; `PidsLimit`
    ///   1.40+.
    Task<std::vector<std::string>> update(std::string_view id, const ContainerUpdate& update);
    Task<std::vector<std::string>> update(std::string_view, ContainerUpdate&&) = delete;

    /// Its processes as `ps` shows them: dockerd runs that of its host with `-ef`, podman 4 may run
    /// the container's. `ps_args`: "-o pid,args". Errors: not_found, conflict (it does not run).
    /// API: GET /containers/{id}/top.
    Task<ProcessTable> top(std::string_view id, std::string_view ps_args = {});

    /// What it uses now. Errors: not_found, conflict (it does not run).
    /// API: GET /containers/{id}/stats; `one-shot` 1.41+.
    Task<ContainerStats> stats(std::string_view id, StatsSample sample = StatsSample::single);

    /// The same again and again. Errors: not_found, then those of StatsStream.
    /// API: GET /containers/{id}/stats.
    Task<StatsStream> watch_stats(std::string_view id);

    /// The paths that differ from its image, in no order. Engines may list the directories above a
    /// change, and podman adds /etc. Costs a walk over the image.
    /// Errors: not_found. API: GET /containers/{id}/changes.
    Task<std::vector<FileChange>> changes(std::string_view id);

    /// A tar of all its files but those of volumes. Its end is an error when it is not whole.
    /// Errors: not_found; of the stream: truncated, engine (with the engine's text), protocol.
    /// API: GET /containers/{id}/export.
    Task<std::unique_ptr<ResponseStream>> export_files(std::string_view id);

    /// Removes all containers that do not run and fit the filters "label" and "until".
    /// Errors: invalid_argument (another filter; podman: engine). API: POST /containers/prune.
    Task<Pruned> prune(const Filters& filters);

    /// Returns as soon as the engine has registered the wait, which makes "wait, then start" free
    /// of races. The answer itself has no deadline. Errors: not_found, invalid_argument. API: POST
    /// /containers/{id}/wait; `condition` 1.30+.
    Task<Wait> wait(std::string_view id, WaitCondition condition = WaitCondition::not_running);

    /// Errors: not_found, conflict (it runs, or its removal is under way).
    /// API: DELETE /containers/{id}.
    Task<> remove(std::string_view id);
    Task<> remove(std::string_view id, const RemoveContainer& options);

    /// For clean-up: kills it, removes it and its anonymous volumes. `already` when it is gone or
    /// somebody else is removing it.
    Task<Change> discard(std::string_view id);

    /// What the container wrote so far: raw bytes with a terminal, else frames (see frames.hpp).
    /// Podman 4 withholds the answer's header until there is a first byte. Where
    /// Traits::follow_may_lose_the_end, whoever followed and needs all reads the log once more,
    /// without `follow`, when the container has ended. Errors: not_found, invalid_argument (neither
    /// output asked for), unsupported (`details` on
    ///   podman). API: GET /containers/{id}/logs.
    Task<std::unique_ptr<ResponseStream>> logs(std::string_view id, const LogOptions& options);
    Task<std::unique_ptr<ResponseStream>> logs(std::string_view id, LogOptions&& options) = delete;

    /// Joins stdin, stdout and stderr from now on; for what was before, see `logs`. Attach in the
    /// states created and running only: no engine ends an attach to an exited container, and podman
    /// sets it back to "created". Raw bytes with a terminal, else frames.
    /// Half-closing works with `open_stdin`, `stdin_once` and `attach_stdin` and without a
    /// terminal; send the byte 4 on a terminal. Errors: not_found, conflict (podman: it cannot be
    /// prepared). API: POST /containers/{id}/attach.
    Task<std::unique_ptr<DuplexStream>> attach(std::string_view id, const AttachOptions& options);
    Task<std::unique_ptr<DuplexStream>> attach(std::string_view, AttachOptions&&) = delete;

    /// Tells the container's terminal its size. Errors: not_found, conflict or engine when the
    /// container is not running yet: try again a little later, and do not fail over it.
    /// API: POST /containers/{id}/resize.
    Task<> resize(std::string_view id, TerminalSize size);

private:
    Transport* transport_;
};

} // namespace slipway::engine
