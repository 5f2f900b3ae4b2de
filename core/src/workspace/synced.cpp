#include "workspace/synced.hpp"

#include "agent/kept_tree.hpp"
#include "archive/content_hasher.hpp"
#include "archive/posix.hpp"
#include "sync/plan.hpp"
#include "workspace/advice.hpp"
#include "workspace/local_tree.hpp"
#include "workspace/on_thread.hpp"
#include "workspace/relay.hpp"

#include <slipway/core/tar_reader.hpp>
#include <slipway/core/tar_writer.hpp>

#include <boost/asio/this_coro.hpp>

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <set>
#include <string>
#include <utility>

namespace slipway::core {

namespace {

namespace fs = std::filesystem;
using agent::EntryKind;
using sync::StateEntry;

// Of the paths that are asked for at once.
constexpr std::size_t asked_bytes = std::size_t{512} << 10;

struct LookedAt {
    sync::KnownTree known; // what the last command left on both sides
    ContentHash base{};    // of its state
    sync::Scan here;
};

Result<LookedAt> look(const fs::path& root, const fs::path& notes, const std::atomic<bool>& stop)
{
    LookedAt out;
    if (!notes.empty()) out.known = local_tree::noted(notes);
    if (!out.known.state.empty()) out.base = sync::digest_of(out.known);
    TRY(out.here, local_tree::scan(root, out.known, stop));
    return out;
}

fs::path notes_file(const Workspace& workspace)
{
    if (workspace.notes.empty()) return {};
    const ContentHash hash = content_hash(workspace.root.native());
    return workspace.notes / fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

EntryType type_of(const StateEntry& entry)
{
    if (is(entry, EntryKind::directory)) return EntryType::directory;
    if (is(entry, EntryKind::symlink)) return EntryType::symlink;
    return is(entry, EntryKind::fifo) ? EntryType::fifo : EntryType::file;
}

ManifestEntry manifest_entry(const StateEntry& entry)
{
    ManifestEntry out;
    out.type = type_of(entry);
    out.mode = entry.mode;
    out.size = entry.size;
    out.mtime_ns = entry.mtime_ns;
    out.link_target = entry.link_target;
    if (has_digest(entry)) out.content = entry.digest;
    return out;
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
    std::vector<const StateEntry*> directories;
    std::vector<const StateEntry*> others;

    void add(const StateEntry& entry)
    {
        (is(entry, EntryKind::directory) ? directories : others).push_back(&entry);
    }
    bool empty() const { return directories.empty() && others.empty(); }
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

const StateEntry* found_in(const sync::TreeState& state, std::string_view path)
{
    const auto at = std::lower_bound(
        state.begin(),
        state.end(),
        path,
        [](const StateEntry& entry, std::string_view other) {
            return sync::path_less(entry.path, other);
        }
    );
    return at != state.end() && at->path == path ? &*at : nullptr;
}

Task<> look_into(std::shared_ptr<LookedAt> into, fs::path root, fs::path notes)
{
    const std::function<Result<LookedAt>(const std::atomic<bool>&)> work =
        [&root, &notes](const std::atomic<bool>& stop) { return look(root, notes, stop); };
    CO_TRY(*into, co_await on_thread(work));
    co_return ok();
}

class Synced final : public SyncedWorkspace {
public:
    Synced(Workspace workspace, Owner owner)
        : workspace_(std::move(workspace)), owner_(owner), notes_(notes_file(workspace_))
    {
    }

    void begin(const boost::asio::any_io_executor& executor)
    {
        looking_ = engine::Child(executor, look_into(looked_at_, workspace_.root, notes_));
    }

    Task<> send(std::shared_ptr<Lease> lease, std::function<bool()> on_wait) override
    {
        const std::string doing = "sending " + workspace_.root.string() + " to the container";
        lease_ = std::move(lease);
        auto sent = co_await send_changes(std::move(on_wait));
        // It stays ours; a worker that runs beside the command is at its mercy.
        if (sent) sent = co_await tree_->close();
        tree_.reset();
        co_return advised(std::move(sent), doing, to_read_advice);
    }

    Task<Fetched> fetch() override
    {
        const std::string doing = "bringing files back to " + workspace_.root.string();
        auto fetched = co_await fetch_changes();
        const bool closed =
            !fetched && fetched.error().code == Errc::engine
            && fetched.error().message.find("Permission denied") != std::string::npos;
        if (closed && fetched.error().hint.empty()) {
            fetched.error().hint = "the command has left a file that it may not read itself: it "
                                   "should change its mode";
        }
        co_return advised(std::move(fetched), doing, to_write_advice);
    }

private:
    Task<> send_changes(std::function<bool()> on_wait)
    {
        const auto waited = std::make_shared<bool>(false);
        const std::function<bool()> ask = [waited, on_wait = std::move(on_wait)] {
            *waited = on_wait();
            return *waited;
        };
        CO_TRY(tree_, co_await lease_->keep(workspace_.root.string(), ask));
        CO_CHECK(co_await looking_.wait());
        if (*waited) { // what was seen before may be old by now
            CO_CHECK(co_await look_into(looked_at_, workspace_.root, notes_));
        }
        CO_TRY(TreeNews news, co_await tree_->scan(looked_at_->base));
        began_ns_ = news.now_ns;
        sync::KnownTree& known = looked_at_->known;
        // As it is there.
        told_ = news.from_base ? changed_by(known.state, std::move(news.change))
                               : std::move(news.change.changed);
        sync::KnownTree& here = looked_at_->here.tree;
        leave_out_filtered();
        CO_CHECK(co_await read(sync::to_be_read(here.state, told_)));
        sync::Plan plan = sync::plan(here.state, told_);
        // What is filtered out belongs to the other side, unless the directory above it goes.
        std::erase_if(plan.remove, [&](const std::string& path) {
            const auto* const entry = found_in(told_, path);
            return entry != nullptr && !comes_back(*entry) && found_in(here.state, path) == nullptr;
        });
        add_stale_caches(news.tagged, plan);
        if (plan.empty()) co_return ok();
        CO_CHECK(co_await tree_->remove(std::move(plan.remove)));
        if (!plan.send.empty()) {
            CO_CHECK(co_await put(std::move(plan.send)));
        }
        co_return ok();
    }

    // Of a build directory that is no cache here, as where its tag was removed.
    void leave_out_filtered()
    {
        if (!workspace_.bring_back) return;
        sync::Scan& here = looked_at_->here;
        std::size_t kept = 0;
        for (std::size_t i = 0; i < here.tree.state.size(); ++i) {
            if (comes_back(here.tree.state[i])) keep_entry(i, kept++);
        }
        cut_to(kept);
    }

    void keep_entry(std::size_t from, std::size_t to)
    {
        if (from == to) return;
        sync::Scan& here = looked_at_->here;
        here.tree.state[to] = std::move(here.tree.state[from]);
        here.tree.marks[to] = here.tree.marks[from];
        here.details[to] = here.details[from];
    }
    void cut_to(std::size_t count)
    {
        sync::Scan& here = looked_at_->here;
        here.tree.state.resize(count);
        here.tree.marks.resize(count);
        here.details.resize(count);
    }

    // A cache there goes when something else is in its place here, and when this side had it after
    // the last command and has it no more: that is how people clean.
    void add_stale_caches(const std::vector<std::string>& there, sync::Plan& plan) const
    {
        const sync::Scan& here = looked_at_->here;
        const std::set<std::string_view> had(
            looked_at_->known.tagged.begin(), looked_at_->known.tagged.end()
        );
        const std::set<std::string_view> has(here.tagged.begin(), here.tagged.end());
        for (const std::string& path : there) {
            const bool replaced = found_in(here.tree.state, path) != nullptr;
            const bool removed = had.contains(path) && !has.contains(path);
            if (!replaced && !removed) continue;
            plan.remove.push_back(path);
            // All that is here below it is sent anew.
            for (const StateEntry& entry : here.tree.state) {
                const bool below = entry.path == path || entry.path.starts_with(path + "/");
                if (below) plan.send.insert(entry.path);
            }
        }
    }

    Task<> read(std::vector<std::size_t> places)
    {
        if (places.empty()) co_return ok();
        sync::KnownTree& tree = looked_at_->here.tree;
        const std::function<Result<bool>(const std::atomic<bool>&)> work =
            [this, &tree, &places](const std::atomic<bool>& stop) -> Result<bool> {
            CHECK_OK(local_tree::read(workspace_.root, tree, places, stop));
            return true;
        };
        CO_CHECK(co_await on_thread(work));
        co_return ok();
    }

    Task<> put(std::set<std::string, std::less<>> paths)
    {
        const auto send =
            std::make_shared<const std::set<std::string, std::less<>>>(std::move(paths));
        std::vector<PackRoot> roots(1);
        roots[0].local = workspace_.root;
        PackOptions options;
        options.uid = owner_.uid;
        options.gid = owner_.gid;
        options.keep = [send](std::string_view path, EntryType type) {
            return type == EntryType::directory ? sync::leads_to(*send, path)
                                                : send->contains(path);
        };
        const auto tar = pack(std::move(roots), std::move(options));
        CO_CHECK(co_await lease_->put(workspace_.root.string(), tar));
        CO_TRY(const Manifest sent, tar->manifest());
        co_return co_await note_sent(*send, sent);
    }

    // What is there now is what was sent, whatever was seen before.
    Task<> note_sent(const std::set<std::string, std::less<>>& asked, const Manifest& sent)
    {
        sync::Scan& here = looked_at_->here;
        std::vector<std::string> vanished;
        std::size_t kept = 0;
        for (std::size_t i = 0; i < here.tree.state.size(); ++i) {
            StateEntry& entry = here.tree.state[i];
            const auto found = sent.entries.find(entry.path);
            if (found == sent.entries.end() && asked.contains(entry.path)) {
                vanished.push_back(entry.path);
                continue;
            }
            if (found != sent.entries.end() && found->second.type == EntryType::file) {
                const ManifestEntry& now = found->second;
                entry.size = now.size;
                entry.mtime_ns = now.mtime_ns;
                entry.mode = static_cast<std::uint16_t>(now.mode & posix::permission_bits);
                entry.digest = now.content.value_or(ContentHash());
                here.tree.marks[i] = {now.inode, now.ctime_ns};
                here.details[i] = {static_cast<std::uint16_t>(now.mode), now.mtime_ns};
            }
            keep_entry(i, kept++);
        }
        cut_to(kept);
        co_return co_await tree_->remove(std::move(vanished));
    }

    Task<Fetched> fetch_changes()
    {
        const ContentHash base =
            told_ == looked_at_->known.state ? looked_at_->base : sync::digest_of(told_);
        const std::function<bool()> never = [] { return false; };
        CO_TRY(tree_, co_await lease_->keep(workspace_.root.string(), never));
        CO_TRY(TreeNews news, co_await tree_->scan_caches(base, began_ns_));
        if (!news.from_base) told_.clear();
        const sync::TreeState there = changed_by(std::move(told_), std::move(news.change));
        const sync::TreeState& here = looked_at_->here.tree.state;
        const sync::StateChange change = sync::change_between(here, there);
        Fetched fetched;
        CO_CHECK(co_await get_changed(change.changed, news, fetched));
        if (!change.gone.empty()) {
            CO_CHECK(remove_gone(change.gone, news.tagged, fetched));
        }
        CO_CHECK(co_await tree_->close());
        tree_.reset();
        CO_CHECK(co_await note(there, news.tagged));
        co_return fetched;
    }

    bool comes_back(const StateEntry& entry) const
    {
        return !workspace_.bring_back || workspace_.bring_back(entry.path, type_of(entry));
    }

    Task<> get_changed(const sync::TreeState& changed, const TreeNews& news, Fetched& fetched)
    {
        Wanted wanted;
        for (const StateEntry& entry : changed) {
            if (comes_back(entry)) wanted.add(entry);
        }
        for (const StateEntry& entry : news.fresh) {
            if (comes_back(entry) && !is_here(workspace_.root, entry)) wanted.add(entry);
        }
        // What an earlier command made, and nobody has here; another one's stays.
        for (const StateEntry& entry : news.caches) {
            if (comes_back(entry) && !is_anything_here(workspace_.root, entry)) wanted.add(entry);
        }
        if (wanted.empty()) co_return ok();
        const auto sent = std::make_shared<const Manifest>(sent_manifest(news.tagged));
        bool read_only = false;
        if (!wanted.directories.empty()) {
            const std::uint32_t usable = S_IRWXU; // for what comes into them
            read_only = std::ranges::any_of(wanted.directories, [](const StateEntry* entry) {
                return (entry->mode & S_IRWXU) != S_IRWXU;
            });
            CO_CHECK(co_await unpack_here(tar_of(wanted.directories, usable), sent, fetched));
        }
        const auto executor = co_await boost::asio::this_coro::executor;
        for (auto next = wanted.others.begin(); next != wanted.others.end();) {
            std::vector<TreeItem> items;
            for (std::size_t bytes = 0; next != wanted.others.end() && bytes < asked_bytes;
                 ++next) {
                bytes += (*next)->path.size() + sizeof(TreeItem);
                // One that has gone since cannot be: nobody is left in the sandbox.
                items.emplace_back(TreeItem::Kind::path, (*next)->path);
            }
            const std::function<Task<>(engine::ByteSink&)> write =
                [lease = lease_, root = workspace_.root.string(), items](engine::ByteSink& tar) {
                    return lease->get(root, items, tar);
                };
            CO_CHECK(co_await unpack_here(written_by(executor, write), sent, fetched));
        }
        if (read_only) {
            Fetched again; // told already
            CO_CHECK(co_await unpack_here(tar_of(wanted.directories, 0), sent, again));
        }
        co_return ok();
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
            CO_CHECK(co_await get_alone(link.path, *options.sent, fetched));
        }
        co_return ok();
    }

    // Its other name has not come along.
    Task<> get_alone(std::string path, Manifest sent, Fetched& fetched)
    {
        // Else it would be as it was, but for its bytes, again.
        const auto entry = sent.entries.find(path);
        if (entry != sent.entries.end()) entry->second.content.reset();

        const auto executor = co_await boost::asio::this_coro::executor;
        const std::function<Task<>(engine::ByteSink&)> write =
            [lease = lease_, root = workspace_.root.string(), path](engine::ByteSink& tar) {
                std::vector<TreeItem> items(1, TreeItem(TreeItem::Kind::path, path));
                return lease->get(root, std::move(items), tar);
            };
        UnpackOptions options;
        options.sent = std::make_shared<const Manifest>(std::move(sent));
        CO_TRY(
            Unpacked unpacked,
            co_await unpack(written_by(executor, write), workspace_.root, options)
        );
        fetched.bytes += unpacked.written_bytes;
        std::ranges::move(unpacked.written, std::back_inserter(fetched.written));
        std::ranges::move(unpacked.kept, std::back_inserter(fetched.kept));
        co_return ok();
    }

    // `there`: the caches of the other side.
    Manifest sent_manifest(const std::vector<std::string>& there) const
    {
        const sync::Scan& here = looked_at_->here;
        Manifest sent;
        for (std::size_t i = 0; i < here.tree.state.size(); ++i) {
            sent.entries.emplace_hint(sent.entries.end(), here.tree.state[i].path, sent_entry(i));
        }
        std::set<std::string> tagged(here.tagged.begin(), here.tagged.end());
        // What a cache of the sandbox has is its own affair, unless it was none when it was sent.
        for (const std::string& path : there) {
            if (found_in(here.tree.state, path) == nullptr) tagged.insert(path);
        }
        for (const std::string& path : tagged) {
            sent.skipped.push_back({path, SkipReason::tagged_cache});
        }
        return sent;
    }

    ManifestEntry sent_entry(std::size_t i) const
    {
        const sync::Scan& here = looked_at_->here;
        ManifestEntry entry = manifest_entry(here.tree.state[i]);
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
        const sync::TreeState& here = looked_at_->here.tree.state;
        Manifest all;
        auto at = here.begin();
        for (const std::string& path : gone) {
            const bool in_cache = std::ranges::any_of(tagged, [&](const std::string& cache) {
                return path == cache || path.starts_with(cache + "/");
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
            if (at == here.end() || !comes_back(*at)) continue;
            all.entries.emplace(path, sent_entry(static_cast<std::size_t>(at - here.begin())));
        }
        TRY(Removed removed, remove_deleted(workspace_.root, all));
        fetched.removed = std::move(removed.removed);
        std::ranges::move(removed.kept, std::back_inserter(fetched.kept));
        return ok();
    }

    // What is there, with the marks of what is the same here.
    Task<> note(const sync::TreeState& there, const std::vector<std::string>& tagged)
    {
        if (notes_.empty()) co_return ok();
        sync::KnownTree tree;
        for (const std::string& path : tagged) {
            std::error_code failed;
            if (fs::is_directory(workspace_.root / path, failed)) tree.tagged.push_back(path);
        }
        tree.state = there;
        tree.marks.resize(there.size());
        sync::Scan& here = looked_at_->here;
        sync::drop_young(here.tree, here.young_ns);
        auto at = here.tree.state.begin();
        for (std::size_t i = 0; i < there.size() && at != here.tree.state.end(); ++i) {
            while (at != here.tree.state.end() && sync::path_less(at->path, there[i].path))
                ++at;
            if (at == here.tree.state.end() || *at != there[i]) continue;
            tree.marks[i] = here.tree.marks[static_cast<std::size_t>(at - here.tree.state.begin())];
        }
        const sync::KnownTree& known = looked_at_->known;
        const bool same =
            tree.state == known.state && tree.marks == known.marks && tree.tagged == known.tagged;
        if (same) co_return ok();
        const std::function<Result<bool>(const std::atomic<bool>&)> work =
            [this, &tree](const std::atomic<bool>&) -> Result<bool> {
            local_tree::note(notes_, tree);
            return true;
        };
        CO_CHECK(co_await on_thread(work));
        co_return ok();
    }

    Workspace workspace_;
    Owner owner_;
    fs::path notes_;
    std::shared_ptr<LookedAt> looked_at_ = std::make_shared<LookedAt>();
    engine::Child looking_;
    std::shared_ptr<Lease> lease_;
    std::unique_ptr<KeptTree> tree_;
    std::int64_t began_ns_ = 0; // by the volume's clock: when it was as this side
    sync::TreeState told_;      // what the agent told of the volume before anything was sent
};

} // namespace

std::unique_ptr<SyncedWorkspace> SyncedWorkspace::begin(
    const boost::asio::any_io_executor& executor, Workspace workspace, Owner owner
)
{
    auto synced = std::make_unique<Synced>(std::move(workspace), owner);
    synced->begin(executor);
    return synced;
}

} // namespace slipway::core
