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
    bool from_base = false; ///< `change` leads from the state that was asked about; else from none
    sync::StateChange change; ///< to what is there
    sync::TreeState caches;   ///< below directories with a CACHEDIR.TAG, these included; no digests
    sync::TreeState fresh;    ///< those of them that have changed since
    std::vector<std::string> tagged; ///< directories with a CACHEDIR.TAG
    std::int64_t now_ns = 0;         ///< by the clock of these files, or somewhat before
};

/// A worker for a directory of a sandbox whose files outlive it. For one thread. The directory is
/// the session's alone from the first of them on, until the session ends.
class KeptTree {
public:
    /// When another client has it, `on_wait` is asked whether to wait for it.
    ///
    /// Errors: conflict (not waited for), engine (the sandbox could not; with its words),
    ///   cancelled, those of the session.
    static Task<std::unique_ptr<KeptTree>> open(
        std::shared_ptr<AgentLink> link,
        std::string directory,
        AgentIds ids,
        std::function<bool()> on_wait
    );

    KeptTree(const KeptTree&) = delete;
    KeptTree& operator=(const KeptTree&) = delete;
    ~KeptTree();

    /// Looks at all that is there. `base` is the digest of a state that the caller knows, or 0:
    /// where the last one that was looked at is that, only what has changed since is told.
    /// Errors: those of open.
    Task<TreeNews> scan(ContentHash base);
    /// The same, and what is in directories with a CACHEDIR.TAG. `since_ns`: TreeNews::now_ns of an
    /// earlier look.
    Task<TreeNews> scan_caches(ContentHash base, std::int64_t since_ns);
    /// Removes these paths with all below them. Errors: those of open.
    Task<> remove(std::vector<std::string> paths);
    /// Ends the worker. Errors: those of open.
    Task<> close();

private:
    class Talk;

    explicit KeptTree(std::shared_ptr<Talk> talk);
    Task<> await(bool& done);
    Task<TreeNews> look(ContentHash base, bool caches, std::int64_t since_ns);

    std::shared_ptr<Talk> talk_;
    engine::Child worker_;
};

} // namespace slipway::core
