#pragma once

#include "agent/session.hpp"
#include "sandbox/pool/directory.hpp"
#include "sandbox/pool/wanted.hpp"

#include <slipway/core/lease.hpp>

#include <functional>
#include <memory>
#include <string>

namespace slipway::core::pool {

/// Makes sandboxes with the agent: the container, the agent's volume before it, and what is to be
/// done when one of them cannot be had. Lives as long as what it has begun.
class Maker {
public:
    /// The entry of the next attempt: a new one, or that of a name.
    using NextEntry = std::function<Result<Entry>()>;

    explicit Maker(Wanted wanted) : wanted_(std::move(wanted)) {}

    /// Makes one. Where the agent is missing though the engine was given it, it is given once more.
    /// A sandbox that fails is removed, with its entry; neither is touched when it is somebody
    /// else's.
    ///
    /// Errors: conflict (somebody else has just made a container of that name), those of NextEntry
    ///   and `acquire`.
    Task<std::unique_ptr<Lease>> make(NextEntry next, bool keep);

    /// A lease of a sandbox whose agent has answered, so that it is known to run in these. `keep`:
    /// it stays at its release.
    std::unique_ptr<Lease>
    leased(Entry entry, std::unique_ptr<AgentSession> session, Road road, bool warm, bool keep);

    /// After a failure: the agent cannot be had there. A connection that was lost says nothing.
    bool no_agent() const noexcept { return no_agent_; }

private:
    Task<std::unique_ptr<AgentSession>> start(const Entry& entry, Road road, bool again);
    Task<engine::ContainerSpec> container_for(const Entry& entry, Road road);
    Task<> make_kept();
    Task<> remove_failed(const Entry& entry, Error& error);
    Task<> forget_agent();

    Wanted wanted_;
    std::string volume_; ///< that of the agent
    bool no_agent_ = false;
    bool created_ = false; ///< our container may be there: the engine was asked, and did not refuse
};

} // namespace slipway::core::pool
