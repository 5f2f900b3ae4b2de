#pragma once

#include <slipway/core/lease.hpp>
#include <slipway/core/workspace.hpp>
#include <slipway/engine/child.hpp>
#include <slipway/engine/result.hpp>

#include <functional>
#include <memory>

namespace slipway::core {

/// A workspace and its copy in a volume, while one command has both. The copy stays for the next
/// one, so only what differs travels.
///
/// The volume is believed nothing: each time, both sides are looked at. What is remembered of
/// either tells only which files need not be read for that.
class SyncedWorkspace {
public:
    /// Begins to look at the files on this side.
    static std::unique_ptr<SyncedWorkspace>
    begin(const boost::asio::any_io_executor& executor, Workspace workspace, Owner owner);

    virtual ~SyncedWorkspace() = default;

    /// Takes the volume, and makes it as this side is. What a CACHEDIR.TAG marks is left alone on
    /// both. When another command has it, `on_wait` is asked whether to wait.
    ///
    /// Errors: conflict (not waited for), permission_denied, io (also a file that changed while it
    /// was read), not_found,
    ///   engine, cancelled, those of the lease.
    virtual Task<> send(std::shared_ptr<Lease> lease, std::function<bool()> on_wait) = 0;

    /// Brings back what the command changed, made or deleted, as fetch_workspace does, and what is
    /// new in directories that a CACHEDIR.TAG marks. Then gives the volume up.
    ///
    /// Errors: those of fetch_workspace.
    virtual Task<Fetched> fetch() = 0;
};

} // namespace slipway::core
