#include "sandbox/pool/large_files.hpp"

#include "archive/posix.hpp"

#include <slipway/engine/archive.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

namespace slipway::core::pool {

namespace {

// An archive call takes dockerd some 50 ms before its first byte, and each file of it a little more
// than one of the agent's; tests/bench/sandboxes has the rest.
constexpr std::uint64_t least_bytes = std::uint64_t{32} << 20;
constexpr std::uint64_t least_mean = std::uint64_t{256} << 10;
constexpr std::size_t most_entries = 4'096;
constexpr std::size_t most_items = 4;

struct Weighed {
    std::shared_ptr<by_exec::FileTimes> times = std::make_shared<by_exec::FileTimes>();
    std::map<std::string, TreeEntry> tops; ///< what the items themselves are
    std::uint64_t bytes = 0;
};

// An engine does not see a tmpfs, say, and what the image has at that path is something else.
bool is_same(const TreeEntry& entry, const engine::PathStat& stat)
{
    const bool is_file = entry.kind == TreeEntry::Kind::entry && entry.meta.type == EntryType::file;
    const bool is_directory =
        entry.kind == TreeEntry::Kind::entry && entry.meta.type == EntryType::directory;
    if (is_file != (stat.type == engine::FileType::regular)) return false;
    if (is_directory != (stat.type == engine::FileType::directory)) return false;
    if (!is_file && !is_directory) return false; // podman gives what a symlink leads to
    if (is_file && static_cast<std::uint64_t>(stat.size) != entry.meta.size) return false;
    return stat.modified
           && posix::same_mtime(stat.modified->time_since_epoch().count(), entry.meta.mtime_ns);
}

} // namespace

Task<std::shared_ptr<const by_exec::FileTimes>> large_files(
    AgentSession& session,
    engine::Client client,
    std::string container,
    std::string directory,
    std::vector<TreeItem> items,
    AgentIds ids
)
{
    using Times = by_exec::FileTimes;
    const std::shared_ptr<const Times> none;
    std::vector<std::string> paths;
    for (const TreeItem& item : items) {
        auto path = posix::clean_path(item.text, Errc::invalid_argument);
        // The directory itself may be a symlink, which the agent follows.
        if (!path || path->empty() || !by_exec::has_archive_of_its_own(item)) co_return none;
        paths.push_back(*std::move(path));
    }
    if (paths.empty() || paths.size() > most_items || !by_exec::is_found_by_archive(directory))
        co_return none;
    Weighed weighed;
    const TreeEntries weigh = [&](const TreeEntry& entry) -> Result<> {
        if (weighed.times->size() == most_entries) return fail(Errc::unsupported, "too many files");
        weighed.bytes += std::min(entry.meta.size, entry.allocated); // the agent sends no holes
        weighed.times->emplace(entry.path, entry.meta.mtime_ns);
        if (std::ranges::find(paths, entry.path) != paths.end()) {
            weighed.tops.emplace(entry.path, entry);
        }
        return ok();
    };
    const auto done = co_await session.manifest(
        directory, std::move(items), Digest::none, weigh, ids, agent::Encoding::plain
    );
    if (!done && done.error().code == Errc::cancelled) co_return fail(done.error());
    // What is wrong with the items is told by who packs them.
    const bool is_large =
        weighed.bytes >= least_bytes && weighed.bytes / least_mean >= weighed.times->size();
    if (!done || !is_large) co_return none;
    engine::Archives archives(client.transport());
    for (const auto& [path, entry] : weighed.tops) {
        const std::string full = posix::join(directory, path);
        const auto stat = co_await archives.stat(container, full);
        if (!stat && stat.error().code == Errc::cancelled) co_return fail(stat.error());
        if (!stat || !is_same(entry, *stat)) co_return none;
    }
    co_return std::shared_ptr<const Times>(weighed.times);
}

} // namespace slipway::core::pool
