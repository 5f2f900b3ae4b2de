#pragma once

#include "agent/job.hpp"
#include "agent/messages.hpp"
#include "agent/options.hpp"

#include <slipway/core/tree.hpp>
#include <slipway/engine/bytes.hpp>
#include <slipway/engine/child.hpp>
#include <slipway/engine/result.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace slipway::core {

class AgentLink;
class KeptTree;

/// Whose the files of a tree become, and by whose rights they are read.
struct AgentIds {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};

/// A session with the agent of a sandbox: many jobs at once over one stream. For one thread.
///
/// When the connection is lost, the agent breaks the protocol or is silent for too long, or the
/// lease cannot be renewed, every job ends with the same error, and so does all that is asked for
/// afterwards: truncated (the connection ended), timed_out (the silence, the lease), protocol, or
/// what the stream failed with.
///
/// Dropping it closes the stream; jobs that still run then end with Errc::cancelled here, and are
/// killed there when the agent sees the connection end or the lease run out.
class AgentSession {
public:
    /// Begins a session over a connected stream.
    ///
    /// Errors: conflict (another client has the sandbox), unsupported (no common version of the
    ///   protocol), timed_out (no answer), protocol, truncated, cancelled.
    static Task<std::unique_ptr<AgentSession>>
    open(std::unique_ptr<engine::DuplexStream> stream, SessionOptions options);

    AgentSession(const AgentSession&) = delete;
    AgentSession& operator=(const AgentSession&) = delete;
    ~AgentSession();

    const agent::Welcome& welcome() const noexcept { return welcome_; }

    /// Runs a job to its end and moves its streams. Windows and the stdin flag of `run` are set
    /// here. What the job wrote is given on in its order over both streams; who does not take it
    /// stops this job and no other. That stdin has more than the job wanted is no error.
    ///
    /// Cancelling asks the job to end within its grace, goes on giving out what it writes and
    /// gives Errc::cancelled; cancelling again kills it.
    ///
    /// Errors: that of a sink or of the source (the job is killed), timed_out (the agent has not
    ///   ended it after its deadline), invalid_argument (argv and env of more than 4 MiB),
    ///   cancelled, those of the session. That its deadline has ended it is in its `Exit`.
    Task<JobEnd> run(agent::Run run, JobIo io);

    /// Unpacks a tar into a directory of the sandbox, which is made when missing.
    ///
    /// Errors: engine (the sandbox could not; with its words), protocol (the bytes are no tar, or a
    ///   cut one), those of `run`.
    Task<>
    put(std::string directory,
        engine::ByteSource& tar,
        AgentIds ids,
        agent::Encoding encoding = agent::Encoding::plain);

    /// Packs what the items mean below a directory of the sandbox into a tar, each path once, in
    /// the order of the bytes of its names. Sockets are left out.
    ///
    /// Errors: invalid_argument (an item that is none), not_found (the directory, or what an item
    ///   requires), engine (the sandbox could not, or a file changed while it was read; with its
    ///   words), protocol and truncated (a compressed stream), those of `run`.
    Task<>
    get(std::string directory,
        std::vector<TreeItem> items,
        engine::ByteSink& tar,
        AgentIds ids,
        agent::Encoding encoding = agent::Encoding::plain);

    /// Puts a file of these bytes at a path, in one step: before it, and after an error, the path
    /// has what it had. Directories above are made when missing; a symlink there is replaced. A job
    /// that was killed meanwhile can leave a file `.slipway-...` beside it until the next reset.
    ///
    /// Errors: those of `put`; engine also when a directory is there.
    Task<> put_file(
        std::string path,
        FileAttributes attributes,
        engine::ByteSource& bytes,
        AgentIds ids,
        agent::Encoding encoding = agent::Encoding::plain
    );

    /// Gives the bytes of a regular file, also one behind a symlink. Errors: those of `get`.
    Task<> get_file(
        std::string path,
        engine::ByteSink& bytes,
        AgentIds ids,
        agent::Encoding encoding = agent::Encoding::plain
    );

    /// Tells what `get` would pack, and sockets as well. Memory does not grow with the tree.
    ///
    /// Errors: those of `get` and of `each`; protocol and truncated also for what the agent tells.
    Task<> manifest(
        std::string directory,
        std::vector<TreeItem> items,
        Digest digest,
        TreeEntries each,
        AgentIds ids,
        agent::Encoding encoding = agent::Encoding::plain
    );

    /// Takes a directory whose files outlive the sandbox: KeptTree::open.
    Task<std::unique_ptr<KeptTree>>
    keep(std::string directory, AgentIds ids, std::function<bool()> on_wait);

    /// Kills what runs in the sandbox and cleans its scratch. Errors: timed_out, cancelled, those
    /// of the session.
    Task<agent::ResetDone> reset();

    /// Ends the session: the agent kills what still runs, and the next client need not wait for the
    /// lease. Nothing can be asked for afterwards. Errors: cancelled, those of the session.
    Task<> bye();

private:
    AgentSession(std::shared_ptr<AgentLink> link, SessionOptions options);

    std::shared_ptr<AgentLink> link_;
    SessionOptions options_;
    agent::Welcome welcome_;
    engine::Child writer_;
    engine::Child reader_;
    engine::Child renewal_;
};

} // namespace slipway::core
