#include "sandbox/pool/bound.hpp"

#include <algorithm>
#include <optional>

namespace slipway::core::pool {

namespace {

// Its own entry is the first one; what is below would take its time.
Task<std::optional<TreeEntry>> entry_there(AgentSession& session, std::string path, AgentIds ids)
{
    const auto found = std::make_shared<std::optional<TreeEntry>>();
    const TreeEntries first = [found](const TreeEntry& entry) -> Result<> {
        *found = entry;
        return fail(Errc::cancelled, "that was all");
    };
    std::vector<TreeItem> items;
    items.emplace_back(TreeItem::Kind::path, ".");
    const auto told =
        co_await session.manifest(std::move(path), std::move(items), Digest::none, first, ids);
    if (!*found && !told && told.error().code != Errc::not_found) co_return fail(told.error());
    co_return *found;
}

} // namespace

Error not_seen(const std::string& path)
{
    return {Errc::unsupported, "the engine does not see " + path + " of this machine"};
}

Task<> check_bound(AgentSession& session, std::vector<BoundDirectory> bound, AgentIds ids)
{
    for (const BoundDirectory& directory : bound) {
        CO_TRY(const auto there, co_await entry_there(session, directory.path, ids));
        const bool same =
            there && there->file_system == directory.file_system && there->inode == directory.inode;
        if (!same) co_return fail(not_seen(directory.path));
        if (directory.ours && there->uid != ids.uid) {
            Error error(
                Errc::unsupported,
                "in the engine's containers " + directory.path + " belongs to somebody else"
            );
            co_return fail(std::move(error));
        }
    }
    co_return ok();
}

Error as_not_seen(Error refusal, const std::vector<BoundDirectory>& bound)
{
    if (!refusal.answer || refusal.code == Errc::not_found) return refusal;
    const auto named = [&](const BoundDirectory& directory) {
        return refusal.message.find(directory.path) != std::string::npos;
    };
    const auto found = std::ranges::find_if(bound, named);
    if (found == bound.end()) return refusal;
    Error error = not_seen(found->path);
    error.message += ": " + refusal.message;
    return error;
}

} // namespace slipway::core::pool
