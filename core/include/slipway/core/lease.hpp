#pragma once

#include <slipway/core/bound_directory.hpp>
#include <slipway/core/kept_directory.hpp>
#include <slipway/core/road.hpp>
#include <slipway/core/sandbox.hpp>
#include <slipway/core/tree.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/container_spec.hpp>
#include <slipway/engine/result.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace slipway::core {

/// What a sandbox may use. They hold for all of its jobs together. An engine that cannot limit
/// something, as a rootless one without cgroups, does without the limit of processes and without
/// the defaults; a limit of memory or CPUs that is asked for is Errc::unsupported there.
struct SandboxLimits {
    static constexpr int none = -1;

    std::int64_t pids = 4'096;     ///< or none
    std::int64_t memory_bytes = 0; ///< or none; 0: nine tenths of what the engine's machine has
    double cpus = 0;               ///< or none; 0: as many as the engine's machine has
};

class KeptTree;

/// What a sandbox is made of. Two sandboxes of equal specs stand for each other. They have no
/// capabilities, cannot gain any, and their root is read-only but for `scratch`, `kept` and
/// `bound`.
struct SandboxSpec {
    std::string image;    ///< reference or id; must be on the engine already
    std::string platform; ///< "os/arch[/variant]"; empty: the engine's own
    std::string user;     ///< "uid:gid"; empty: root, which in a rootless engine is its user
    std::string network = "none";     ///< empty: the engine's own
    std::vector<std::string> scratch; ///< absolute directories, empty when a lease begins; disk
    std::vector<engine::Mount> mounts;
    std::vector<KeptDirectory> kept;
    /// Only where the engine sees them, which is made sure of when the sandbox is made; its user
    /// has to own there what this user owns here. Not without the agent.
    std::vector<BoundDirectory> bound;
    SandboxLimits limits;
};

/// Which sandbox a lease gets, and what becomes of it.
enum class LeasePolicy {
    fresh,  ///< a new one, removed at its release; not counted in PoolOptions::most
    pooled, ///< an idle one or a new one, which waits for the next lease when it is released
    /// The one of a name, which is made at its first lease. Its files stay from one lease to the
    /// next, its processes do not. It does not end by itself, is not counted in PoolOptions::most,
    /// outlives its engine, and goes when a lease discards it or by Clean::everything. It is one
    /// user's on one machine, and one process's at a time: another one gets Errc::conflict at once.
    persistent,
};

/// How long a sandbox that nobody has stays, and how many.
struct PoolOptions {
    LeasePolicy policy = LeasePolicy::pooled;
    /// Of a persistent one: 1 to 64 letters, digits and '-', '_', '.', not beginning with a dot.
    std::string name;
    std::size_t least = 0; ///< idle ones that keep_warm sees to; never more than `most` in all
    std::chrono::milliseconds idle{std::chrono::minutes(10)};
    std::size_t most = 8;             ///< of all specs together; the one that was idle longest goes
    std::uint64_t most_jobs = 10'000; ///< of one sandbox, before it is replaced
    /// How long a client that is silent keeps its lease where nobody sees that it has gone (the
    /// road "attach"); it renews by itself.
    std::chrono::milliseconds lease{10'000};
    std::filesystem::path directory; ///< empty: see pool_directory
    /// Whether jobs go through the agent. Without, each lease has a container of its own, which
    /// goes with it, and each job is an exec: slower, and the image needs `sh`, `cat`, `chmod`,
    /// `chown`; for `put_file` also `mkdir`, `mv`, `rm` and `touch`, and for a `put` with symlinks
    /// that lead out of the scratch directory `ln` and `rmdir`.
    bool agent = true;
    /// Tries the agent also where it could not run in the last ten minutes; see acquire.
    bool agent_anew = false;
};

/// A job of a sandbox: what `Job` has, less what the sandbox has.
struct LeasedJob {
    std::vector<std::string> argv; ///< required
    std::vector<std::string> env;  ///< "NAME=value"; all there is but the image's own
    std::string cwd;               ///< absolute; empty: the image's
    bool terminal = false;
    /// More of `env`, none with a line break, which the engine is told on no road: without the
    /// agent they go before the job's input. Not with a terminal.
    std::vector<std::string> secrets{};
    std::chrono::milliseconds deadline{0}; ///< 0: none
};

/// A sandbox that is ours alone until it is released. Dropping it releases it as well, at the
/// latest when its lease runs out.
class Lease {
public:
    virtual ~Lease() = default;

    /// Runs a job. Several may run at once. Cancelling interrupts it as `core::run` does.
    virtual Task<JobResult> run(LeasedJob job, JobStreams streams) = 0;

    // Files travel compressed when the engine is on another machine, and large ones come by its
    // archive call when it is on this one but does not see our files (with owners as
    // Traits::get_archive_loses_owners says, and also what the sandbox's user may not read). Errors
    // of each: engine (the sandbox could not; with its words), cancelled, those of the connection,
    // and of the source or the sink.

    /// Unpacks a tar into a directory, which is made when missing; as far as the sandbox's user
    /// may. Errors also: protocol (the bytes are no tar, or a cut one).
    virtual Task<> put(std::string directory, std::shared_ptr<engine::ByteSource> tar) = 0;
    /// A tar of what the items mean below a directory, each path once, sockets left out.
    /// Errors also: invalid_argument (an item that is none), not_found (the directory, or what an
    ///   item requires). After an error the tar has no end.
    virtual Task<>
    get(std::string directory, std::vector<TreeItem> items, engine::ByteSink& tar) = 0;

    /// Puts a file of these bytes at an absolute path, in one step: before it, and after an error,
    /// the path has what it had. Directories above are made when missing. Errors also: protocol.
    virtual Task<> put_file(
        std::string path, FileAttributes attributes, std::shared_ptr<engine::ByteSource> bytes
    ) = 0;
    /// The bytes of a regular file, also of one behind a symlink. Errors also: not_found.
    virtual Task<> get_file(std::string path, engine::ByteSink& bytes) = 0;

    /// Tells what `get` would pack, and sockets as well, in the order of the bytes of the names.
    /// Memory does not grow with the tree, save on Road::exec, where sockets are left out and
    /// inodes are numbers that tell names of one file. Errors also: those of `get` and of `each`.
    virtual Task<> manifest(
        std::string directory, std::vector<TreeItem> items, Digest digest, TreeEntries each
    ) = 0;

    /// Takes a directory of SandboxSpec::kept for a workspace, until the lease is released.
    /// When somebody else has it, in whichever sandbox, `on_wait` is asked whether to wait for it.
    /// Errors also: conflict (not waited for), unsupported (Road::exec).
    virtual Task<std::unique_ptr<KeptTree>>
    keep(std::string directory, std::function<bool()> on_wait) = 0;

    /// The sandbox goes back to the pool; what its jobs left is killed and removed meanwhile. The
    /// next lease can have it when this object is gone.
    virtual Task<> release() = 0;
    /// The sandbox is removed.
    virtual Task<> discard() = 0;

    virtual const std::string& container() const noexcept = 0; ///< its name
    virtual const std::string& image() const noexcept = 0;     ///< its id
    virtual Road road() const noexcept = 0;
    virtual bool warm() const noexcept = 0; ///< it ran before this lease
};

/// Leases a sandbox: one that is idle, or a new one. Where the agent cannot be had, it is one
/// without (Road::exec): when this build has none for the image's architecture, when the engine
/// refuses the volume that it is in, refuses to start it, or it ends at once, twice.
///
/// That it cannot run in sandboxes of a spec is remembered for ten minutes below the directory of
/// the pool, unless the engine just failed at its volume (5xx): until then those of that spec are
/// made without it at once. One that is idle has it and is taken all the same; it is forgotten as
/// soon as an agent answers in one, when the engine is of another version, and where it goes no
/// better without. `PoolOptions::agent_anew` does not ask for it; EngineReport::without_agent
/// tells.
///
/// Where one has to be made, what clients that were killed on this machine left behind is removed,
/// as by Clean::left_behind.
///
/// Errors: not_found (no such image), invalid_argument (the spec or the options make no sense),
///   conflict (a persistent one is in use, or was made of another spec), unsupported (a limit, see
///   SandboxLimits; SandboxSpec::bound, where the engine does not see them; without the
///   agent: a persistent one, or the image lacks what PoolOptions::agent names), engine, protocol,
///   unreachable, cancelled.
Task<std::unique_ptr<Lease>> acquire(engine::Client client, SandboxSpec spec, PoolOptions options);

/// Makes idle sandboxes until PoolOptions::least of that spec wait for a lease, or there are
/// PoolOptions::most in all; none is removed for it. For a long-lived program, which calls it
/// beside its work, say after an acquire: neither acquire nor release waits for it. Cancelling it
/// leaves none half-made. Without the agent, also where it is remembered that it cannot run (see
/// acquire), it does nothing. Else it begins with removing what was left behind, as by
/// Clean::left_behind, and the directories of sandboxes that have ended: they do not count.
///
/// Errors: those of `acquire`.
Task<> keep_warm(engine::Client client, SandboxSpec spec, PoolOptions options);

/// Which sandbox a job had.
struct SandboxUse {
    std::string container;
    Road road = Road::socket;
    bool warm = false;              ///< it ran before
    bool bound = false;             ///< it has the workspace itself, no copy
    std::string why_copied{};       ///< text for a person, where that was not asked for
    std::string toolchain_volume{}; ///< of Job::toolchain, where that is not bound
};

/// As `run`, in a sandbox of the pool: the second time, nothing is created. The image's root is
/// read-only there; the workspace's directory and /tmp are not. The command starts with an empty
/// /tmp. `on_sandbox` is told which sandbox it is before the command starts.
///
/// Where the engine sees the workspace (FilesBy), the sandbox has that directory itself; there is
/// nothing to bring back but results out of its build directory. Else the command has a copy of the
/// workspace as it is here, save that directories with a CACHEDIR.TAG are those of the commands
/// before it: they stay in a volume of this workspace, image and user. One command has it at a
/// time: Workspace::wait tells what the others do. Without the agent, and in a copy that another
/// command has and that is not waited for, all files are sent, nothing is kept, and no such
/// directory is there.
///
/// A toolchain of this machine is bound with the workspace, else it has a copy in a volume of its
/// own, which is filled once.
///
/// Errors: those of `run` and `acquire`; of Job::toolchain: unsupported (the image is for another
///   platform), invalid_argument (the workspace is in it), permission_denied, io, conflict.
Task<JobResult> run_pooled(
    engine::Client client,
    Job job,
    JobStreams streams,
    PoolOptions options,
    std::function<void(const SandboxUse&)> on_sandbox,
    std::function<void()> on_wait = nullptr ///< it waits for another command
);

} // namespace slipway::core
