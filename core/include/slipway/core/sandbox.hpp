#pragma once

#include <slipway/core/fetch_step.hpp>
#include <slipway/core/kept_directory.hpp>
#include <slipway/core/toolchain.hpp>
#include <slipway/core/workspace.hpp>
#include <slipway/engine/bytes.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/proxies.hpp>
#include <slipway/engine/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace slipway::core {

/// One command to run in a container of its own.
struct Job {
    std::string image;             ///< reference or id; must be on the engine already
    std::string platform;          ///< "os/arch[/variant]"; empty: the engine's own
    std::vector<std::string> argv; ///< required; follows the image's ENTRYPOINT if it has one
    std::vector<std::string> env;  ///< "NAME=value"
    std::string cwd;               ///< absolute, in the container; empty: the image's
    std::string network;           ///< "none", "host", a network's name; empty: the engine's own
    std::optional<Workspace> workspace; ///< present at its own path; what changed comes back
    std::vector<KeptDirectory> kept{};  ///< further ones, of `run_pooled` alone
    /// Before the image's programs, of `run_pooled` alone.
    std::optional<HostToolchain> toolchain{};
    std::optional<FetchStep> fetch{}; ///< before the command, of `run_pooled` alone
    engine::Proxies proxies{}; ///< variables of the command that `env` has not; see add_proxies
    bool terminal = false;     ///< the command gets a terminal; its output is one raw stream
    std::int64_t memory_bytes =
        0;           ///< the container's; 0: run's has no limit, a sandbox its default
    double cpus = 0; ///< the same; 1.5 is one and a half
};

/// Where a job's streams lead. All are borrowed and must outlive the run.
struct JobStreams {
    engine::ByteSource* in = nullptr; ///< forwarded until its end; none: stdin is empty
    engine::ByteSink* out = nullptr;  ///< required
    engine::ByteSink* err = nullptr;  ///< required without a terminal
    /// With a terminal: called with a function that tells the container's terminal its size, to be
    /// called now and whenever the size changes, until the run ends.
    std::function<void(std::function<void(engine::TerminalSize)>)> on_terminal;
    std::function<void()> on_end; ///< called when they have ended, before files come back
    /// Asked when the run is cancelled: the signal that the command gets, as "SIGTERM". Unset:
    /// SIGINT.
    std::function<std::string()> interrupt_signal;
};

struct JobResult {
    std::int64_t exit_code = 0;
    /// Why the command could not be started at all; the exit code is then 127 (it is not there) or
    /// 126 (it cannot be executed), as in a shell. Empty: it ran.
    std::string not_run;
    bool out_of_memory = false;
    /// The command went on for seconds after its output had ended: it closed its outputs, or the
    /// connection to them was lost and more was written.
    bool outlived_its_output = false;
    std::optional<Fetched> fetched; ///< what came back to the workspace
};

/// How a job ends whose program has a name that no file can have, which needs no engine to tell;
/// runc 1.1 hangs on one. Nothing for any other job.
std::optional<JobResult> refuse_long_name(const Job& job);

/// How long a command may take to end after an interrupt before it is killed.
inline constexpr std::chrono::milliseconds interrupt_grace{1'000};

/// Runs a job to its end: makes the container, puts the workspace in, joins the streams, starts it,
/// takes changed files back and removes the container with its anonymous volumes, whatever
/// happened. Files come back when the command fails too: its logs and reports are part of its
/// result.
///
/// Meanwhile it removes what earlier runs left that were killed on this machine, as far as the
/// engine is done with it when the job is, or 200 ms later.
///
/// Cancelling interrupts the command (JobStreams::interrupt_signal, then SIGKILL after
/// `interrupt_grace`), removes the container and gives Errc::cancelled, whose message tells which
/// files are back.
///
/// Errors: not_found (no such image), io (a sink failed: the command is killed), unsupported (a
///   limit that the engine cannot keep), invalid_argument (one that it does not take), those of
///   Workspace, engine, protocol, unreachable, cancelled.
Task<JobResult> run(engine::Client client, Job job, JobStreams streams);

} // namespace slipway::core
