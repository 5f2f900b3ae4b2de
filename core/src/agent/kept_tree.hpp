#pragma once

#include "agent/link.hpp"
#include "agent/session.hpp"
#include "sync/tree_state.hpp"

#include <slipway/engine/child.hpp>
#include <slipway/engine/result.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace slipway::core {

/// What is new in a kept directory.
struct TreeNews {
    bool from_base = false;   ///< `change` leads from the state that was asked about; else from none
    sync::StateChange change; ///< to what is there
    sync::TreeState caches;   ///< below directories with a CACHEDIR.TAG, these included; no digests
};

/// A directory of a sandbox whose files outlive it, held by us alone. For one thread. Dropping it
/// gives it up.
class KeptTree {
public:
    /// Waits until no other client has it; `on_wait` is called when one has.
    ///
    /// Errors: engine (the sandbox could not; with its words), cancelled, those of the session.
    static Task<std::unique_ptr<KeptTree>> open(
        std::shared_ptr<AgentLink> link,
        std::string directory,
        AgentIds ids,
        std::function<void()> on_wait
    );

    KeptTree(const KeptTree&) = delete;
    KeptTree& operator=(const KeptTree&) = delete;
    ~KeptTree();

    /// Looks at all that is there. `base` is the digest of a state that the caller knows, or 0:
    /// where the last one that was looked at is that, only what has changed since is told.
    /// Errors: those of open.
    Task<TreeNews> scan(ContentHash base, bool caches);
    /// Removes these paths with all below them. Errors: those of open.
    Task<> remove(std::vector<std::string> paths);
    /// Gives it up. Errors: those of open.
    Task<> close();

private:
    class Talk;

    explicit KeptTree(std::shared_ptr<Talk> talk);
    Task<> await(bool& done);

    std::shared_ptr<Talk> talk_;
    engine::Child worker_;
};

} // namespace slipway::core
