#pragma once

#include <slipway/engine/containers.hpp>
#include <slipway/engine/transport.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::engine {

/// A process to run in a container that runs already.
struct ExecSpec {
    std::vector<std::string> cmd; ///< argv; required
    std::vector<std::string> env; ///< "NAME=value", added to the container's
    std::string working_dir;      ///< empty: the container's
    std::string user;             ///< empty: the container's
    bool tty = false;
    bool attach_stdin = false;
    bool attach_stdout = true;
    bool attach_stderr = true;
    bool privileged = false;
    std::string detach_keys;               ///< podman ignores it
    std::optional<TerminalSize> console{}; ///< with a terminal; sent from API 1.42 on
};

struct ExecInspect {
    std::string id;
    std::string container_id;
    bool running = false;
    std::optional<std::int64_t> exit_code{}; ///< see `finished` before you believe it
    std::int64_t pid = 0;                    ///< on the engine's host; 0 when not running
    bool tty = false;
};

/// The process has ended and `exit_code` is its own. dockerd can say "not running" with no code
/// just after the start, which means "not yet"; podman says code 0 while it runs. After the end of
/// the output, ask with growing pauses until this is true. Both engines forget an exec some 5
/// minutes after its end, and podman 4 leaves a detached one "running" for ever.
bool finished(const ExecInspect& exec, const Traits& traits) noexcept;

/// The execs of an engine. Valid as long as the transport. Errors beside the listed ones are those
/// of Containers.
class Execs {
public:
    explicit Execs(Transport& transport) noexcept : transport_(&transport) {}

    /// Returns the exec's id. Nothing runs yet.
    /// Errors: invalid_argument (no command), not_found (no such container), conflict (dockerd: it
    ///   does not run; podman says so at `start`). API: POST /containers/{id}/exec.
    Task<std::string> create(std::string_view container, const ExecSpec& spec);
    Task<std::string> create(std::string_view container, ExecSpec&& spec) = delete;

    /// Starts it and joins its streams: raw bytes with a terminal, else frames. `tty` must be that
    /// of the spec. A command that is not there is no error here: engines say so as output, and
    /// `inspect` gives 126 or 127. Closing the stream does not end the process. Errors: not_found,
    /// conflict (container stopped; started before on podman). API: POST /exec/{id}/start.
    Task<std::unique_ptr<DuplexStream>> start(std::string_view exec, bool tty = false);

    /// Starts it without its streams. Errors: as `start`.
    Task<> start_detached(std::string_view exec, bool tty = false);

    /// Errors: not_found (also when the engine has forgotten it). API: GET /exec/{id}/json.
    Task<ExecInspect> inspect(std::string_view exec);

    /// Tells the exec's terminal its size; works after `start` only, and soon after it may need a
    /// second try. Errors: not_found, conflict, engine. API: POST /exec/{id}/resize.
    Task<> resize(std::string_view exec, TerminalSize size);

private:
    Transport* transport_;
};

} // namespace slipway::engine
