#include "workspace/bring_back.hpp"

#include "archive/cache_tag.hpp"
#include "archive/posix.hpp"
#include "archive/tree_writer.hpp"
#include "workspace/relay.hpp"

#include <slipway/core/tar_reader.hpp>
#include <slipway/core/tar_writer.hpp>

#include <boost/asio/this_coro.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace slipway::core {

namespace {

namespace fs = std::filesystem;
using agent::EntryKind;
using sync::StateEntry;

// Of the paths that are asked for at once.
constexpr std::size_t asked_bytes = std::size_t{512} << 10;
constexpr std::uint64_t alone_bytes = std::uint64_t{32} << 20;

EntryType type_of(const StateEntry& entry)
{
    if (is(entry, EntryKind::directory)) return EntryType::directory;
    if (is(entry, EntryKind::symlink)) return EntryType::symlink;
    return is(entry, EntryKind::fifo) ? EntryType::fifo : EntryType::file;
}

// As a tar without files; with their modes, and `more`.
std::shared_ptr<engine::ByteSource>
tar_of(const std::vector<const StateEntry*>& directories, std::uint32_t more)
{
    PackOptions options;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    for (const StateEntry* const entry : directories) {
        PackExtra& extra = options.extras.emplace_back();
        extra.path = entry->path;
        extra.mode = entry->mode | more;
        extra.type = EntryType::directory;
        extra.mtime_ns = std::chrono::nanoseconds(now).count();
    }
    std::vector<PackRoot> none;
    return pack(std::move(none), std::move(options));
}

// What is to come back.
struct Wanted {
    std::vector<const StateEntry*> tags; // of caches
    std::vector<const StateEntry*> directories;
    std::vector<const StateEntry*> others;

    void add(const StateEntry& entry)
    {
        const bool tag = entry.path.ends_with(std::string("/") + cache_tag_name);
        (is(entry, EntryKind::directory) ? directories : tag ? tags : others).push_back(&entry);
    }
    bool empty() const { return tags.empty() && directories.empty() && others.empty(); }
};

// Whether this side has it already: by its time, as cargo and make tell it.
bool is_here(const fs::path& root, const StateEntry& entry)
{
    struct stat status {};
    const fs::path path = root / entry.path;
    if (::lstat(path.c_str(), &status) != 0) return false;
    const ManifestEntry now = posix::describe(status);
    const EntryType type = type_of(entry);
    if (now.type != type) return false;
    if (type == EntryType::directory) return true;
    if (type == EntryType::symlink) {
        std::error_code failed;
        return fs::read_symlink(path, failed).native() == entry.link_target && !failed;
    }
    return now.size == entry.size && now.mtime_ns == entry.mtime_ns
           && (now.mode & posix::permission_bits) == entry.mode;
}

bool is_anything_here(const fs::path& root, const StateEntry& entry)
{
    struct stat status {};
    return ::lstat((root / entry.path).c_str(), &status) == 0;
}

class BringBack {
public:
    BringBack(std::shared_ptr<Lease> lease, Workspace workspace, const sync::Scan& here)
        : lease_(std::move(lease)), workspace_(std::move(workspace)), here_(&here)
    {
    }

    Task<> get_changed(const sync::TreeState& changed, const TreeNews& news, Fetched& fetched)
    {
        Wanted wanted;
        for (const StateEntry& entry : changed) {
            if (comes_back(workspace_, entry)) wanted.add(entry);
        }
        for (const StateEntry& entry : news.fresh) {
            if (comes_back(workspace_, entry) && !is_here(workspace_.root, entry))
                wanted.add(entry);
        }
        // What an earlier command made, and nobody has here; another one's stays.
        for (const StateEntry& entry : news.caches) {
            if (comes_back(workspace_, entry) && !is_anything_here(workspace_.root, entry))
                wanted.add(entry);
        }
        if (wanted.empty()) co_return ok();
        const auto sent = std::make_shared<const Manifest>(sent_manifest(news.tagged));
        bool read_only = false;
        // Half a cache without its tag would be files of one's own.
        CO_CHECK(co_await get_files(std::move(wanted.tags), sent, fetched));
        if (!wanted.directories.empty()) {
            const std::uint32_t usable = S_IRWXU; // for what comes into them
            read_only = std::ranges::any_of(wanted.directories, [](const StateEntry* entry) {
                return (entry->mode & S_IRWXU) != S_IRWXU;
            });
            CO_CHECK(co_await unpack_here(tar_of(wanted.directories, usable), sent, fetched));
        }
        CO_CHECK(co_await get_files(std::move(wanted.others), sent, fetched));
        if (read_only) {
            Fetched again; // told already
            CO_CHECK(co_await unpack_here(tar_of(wanted.directories, 0), sent, again));
        }
        co_return ok();
    }

    Task<> get_files(
        std::vector<const StateEntry*> files, std::shared_ptr<const Manifest> sent, Fetched& fetched
    )
    {
        std::set<std::string_view> linked; // first names of files that have several
        for (const StateEntry* const entry : files) {
            if (!entry->same_as.empty()) linked.insert(entry->same_as);
        }
        // The engine may give large ones faster than the agent, one at a time.
        const auto small =
            std::stable_partition(files.begin(), files.end(), [&](const auto* entry) {
                const bool alone = entry->same_as.empty() && !linked.contains(entry->path);
                return alone && entry->size >= alone_bytes;
            });
        for (auto next = files.begin(); next != files.end();) {
            std::vector<TreeItem> items;
            const auto end = next < small ? next + 1 : files.end();
            for (std::size_t bytes = 0; next != end && bytes < asked_bytes; ++next) {
                bytes += (*next)->path.size() + sizeof(TreeItem);
                // One that has gone since cannot be: nobody is left in the sandbox.
                items.emplace_back(TreeItem::Kind::path, (*next)->path);
            }
            CO_TRY(const auto tar, co_await get(std::move(items)));
            CO_CHECK(co_await unpack_here(tar, sent, fetched));
        }
        co_return ok();
    }

    Task<std::shared_ptr<engine::ByteSource>> get(std::vector<TreeItem> items)
    {
        const auto executor = co_await boost::asio::this_coro::executor;
        const std::function<Task<>(engine::ByteSink&)> write =
            [lease = lease_, root = workspace_.root.string(), items](engine::ByteSink& tar) {
                return lease->get(root, items, tar);
            };
        co_return written_by(executor, write);
    }

    Task<> unpack_here(
        std::shared_ptr<engine::ByteSource> tar,
        std::shared_ptr<const Manifest> sent,
        Fetched& fetched
    )
    {
        UnpackOptions options;
        options.sent = std::move(sent);
        CO_TRY(Unpacked unpacked, co_await unpack(std::move(tar), workspace_.root, options));
        fetched.bytes += unpacked.written_bytes;
        std::ranges::move(unpacked.written, std::back_inserter(fetched.written));
        std::ranges::move(unpacked.kept, std::back_inserter(fetched.kept));
        for (const UnresolvedFile& link : unpacked.unresolved) {
            CO_CHECK(co_await get_alone(link.path, options.sent, fetched));
        }
        co_return ok();
    }

    // Its other name has not come along, or it is as it was but for its bytes, of which too many
    // came by to be kept. Of this side it is looked at once more.
    Task<> get_alone(std::string path, std::shared_ptr<const Manifest> sent, Fetched& fetched)
    {
        CO_TRY(const bool free, is_as_sent(path, *sent));
        if (!free) {
            fetched.kept.push_back({std::move(path), KeepReason::changed});
            co_return ok();
        }
        std::vector<TreeItem> items(1, TreeItem(TreeItem::Kind::path, path));
        CO_TRY(const auto tar, co_await get(std::move(items)));
        const UnpackOptions options;
        CO_TRY(const Unpacked unpacked, co_await unpack(tar, workspace_.root, options));
        fetched.bytes += unpacked.written_bytes;
        fetched.written.push_back(std::move(path));
        co_return ok();
    }

    // Also what is not here at all.
    Result<bool> is_as_sent(const std::string& path, const Manifest& sent) const
    {
        TRY(TreeWriter tree, TreeWriter::open(workspace_.root.native()));
        TRY(const auto there, tree.look(path));
        if (!there) return true;
        const auto entry = sent.entries.find(path);
        return entry == sent.entries.end() ? Result<bool>(false)
                                           : tree.is_as_sent(path, entry->second);
    }

    // `there`: the caches of the other side.
    Manifest sent_manifest(const std::vector<std::string>& there) const
    {
        const sync::Scan& here = *here_;
        Manifest sent;
        for (std::size_t i = 0; i < here.tree.state.size(); ++i) {
            sent.entries.emplace_hint(sent.entries.end(), here.tree.state[i].path, sent_entry(i));
        }
        std::set<std::string> tagged(here.tagged.begin(), here.tagged.end());
        // What a cache of the sandbox has is its own affair, unless it was none when it was sent.
        for (const std::string& path : there) {
            if (sync::found_in(here.tree.state, path) == nullptr) tagged.insert(path);
        }
        for (const std::string& path : tagged) {
            sent.skipped.push_back({path, SkipReason::tagged_cache});
        }
        return sent;
    }

    ManifestEntry sent_entry(std::size_t i) const
    {
        const sync::Scan& here = *here_;
        const StateEntry& known = here.tree.state[i];
        ManifestEntry entry;
        entry.type = type_of(known);
        entry.size = known.size;
        entry.link_target = known.link_target;
        if (has_digest(known)) entry.content = known.digest;
        entry.mode = here.details[i].mode;
        entry.mtime_ns = here.details[i].mtime_ns;
        entry.inode = here.tree.marks[i].inode;
        entry.ctime_ns = here.tree.marks[i].ctime_ns;
        return entry;
    }

    // What is in a directory that the command has made a cache is not gone.
    Result<> remove_gone(
        const std::vector<std::string>& gone,
        const std::vector<std::string>& tagged,
        Fetched& fetched
    ) const
    {
        const sync::TreeState& here = here_->tree.state;
        Manifest all;
        auto at = here.begin();
        for (const std::string& path : gone) {
            const bool in_cache = std::ranges::any_of(tagged, [&](const std::string& cache) {
                return sync::is_within(path, cache);
            });
            if (in_cache) continue;
            at = std::lower_bound(
                at,
                here.end(),
                path,
                [](const StateEntry& entry, const auto& other) {
                    return sync::path_less(entry.path, other);
                }
            );
            if (at == here.end() || !comes_back(workspace_, *at)) continue;
            all.entries.emplace(path, sent_entry(static_cast<std::size_t>(at - here.begin())));
        }
        TRY(Removed removed, remove_deleted(workspace_.root, all));
        fetched.removed = std::move(removed.removed);
        std::ranges::move(removed.kept, std::back_inserter(fetched.kept));
        return ok();
    }

private:
    std::shared_ptr<Lease> lease_;
    Workspace workspace_;
    const sync::Scan* here_;
};

} // namespace

bool comes_back(const Workspace& workspace, const sync::StateEntry& entry)
{
    return !workspace.bring_back || workspace.bring_back(entry.path, type_of(entry));
}

Task<Fetched> bring_back(
    std::shared_ptr<Lease> lease,
    const Workspace& workspace,
    const sync::Scan& here,
    const sync::StateChange& change,
    const TreeNews& news
)
{
    BringBack back(std::move(lease), workspace, here);
    Fetched fetched;
    CO_CHECK(co_await back.get_changed(change.changed, news, fetched));
    if (!change.gone.empty()) {
        CO_CHECK(back.remove_gone(change.gone, news.tagged, fetched));
    }
    co_return fetched;
}

} // namespace slipway::core
