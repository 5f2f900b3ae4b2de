#include "workspace/synced.hpp"

#include "agent/kept_tree.hpp"
#include "archive/content_hasher.hpp"
#include "archive/posix.hpp"
#include "sync/plan.hpp"
#include "workspace/advice.hpp"
#include "workspace/bring_back.hpp"
#include "workspace/ignored.hpp"
#include "workspace/local_tree.hpp"
#include "workspace/on_thread.hpp"

#include <slipway/core/tar_writer.hpp>

#include <boost/asio/this_coro.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>

namespace slipway::core {

namespace {

namespace fs = std::filesystem;
using sync::StateEntry;

struct LookedAt {
    sync::KnownTree known; // what the last command left on both sides
    ContentHash base{};    // of its state
    EntryFilter copied{};
    sync::Scan here;
};

Result<LookedAt> look(const fs::path& root, const fs::path& notes, const std::atomic<bool>& stop)
{
    LookedAt out;
    if (!notes.empty()) out.known = local_tree::noted(notes);
    if (!out.known.state.empty()) out.base = sync::digest_of(out.known);
    TRY(out.copied, copied_entries(root));
    TRY(out.here, local_tree::scan(root, out.copied, out.known, stop));
    return out;
}

fs::path notes_file(const Workspace& workspace)
{
    if (workspace.notes.empty()) return {};
    const ContentHash hash = content_hash(workspace.root.native());
    return workspace.notes / fmt::format("{:016x}{:016x}", hash.high, hash.low);
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
        : workspace_(std::move(workspace)),
          owner_(owner),
          notes_(notes_file(workspace_)),
          knows_results_(static_cast<bool>(workspace_.bring_back))
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
        if (sent) {
            sent = co_await tree_->close();
        }
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
        workspace_.bring_back = both_of(workspace_.bring_back, looked_at_->copied);
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
            const auto* const entry = sync::found_in(told_, path);
            return entry != nullptr && !comes_back(workspace_, *entry)
                   && sync::found_in(here.state, path) == nullptr;
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
            if (comes_back(workspace_, here.tree.state[i])) keep_entry(i, kept++);
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
            const bool replaced = sync::found_in(here.tree.state, path) != nullptr;
            const bool removed = had.contains(path) && !has.contains(path) && is_copied(path);
            if (!replaced && !removed) continue;
            plan.remove.push_back(path);
            // All that is here below it is sent anew.
            for (const StateEntry& entry : here.tree.state) {
                if (sync::is_within(entry.path, path)) plan.send.insert(entry.path);
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
        if (!knows_results_) leave_out_known(news.caches);
        if (!news.from_base) told_.clear();
        const sync::TreeState there = changed_by(std::move(told_), std::move(news.change));
        const sync::TreeState& here = looked_at_->here.tree.state;
        const sync::StateChange change = sync::change_between(here, there);
        CO_TRY(
            const Fetched fetched,
            co_await bring_back(lease_, workspace_, looked_at_->here, change, news)
        );
        CO_CHECK(co_await tree_->close());
        tree_.reset();
        CO_CHECK(co_await note(there, news.tagged));
        co_return fetched;
    }

    // Who knows of no results brings back none of an earlier command's, where the last command that
    // came to its end has left this side its own.
    void leave_out_known(sync::TreeState& caches) const
    {
        std::erase_if(caches, [&](const StateEntry& entry) {
            return std::ranges::any_of(looked_at_->known.tagged, [&](const std::string& cache) {
                return sync::is_within(entry.path, cache);
            });
        });
    }

    bool is_copied(const std::string& directory) const
    {
        return !looked_at_->copied || looked_at_->copied(directory, EntryType::directory);
    }

    // What is there, with the marks of what is the same here.
    Task<> note(const sync::TreeState& there, const std::vector<std::string>& tagged)
    {
        if (notes_.empty()) co_return ok();
        sync::KnownTree tree;
        for (const std::string& path : tagged) {
            std::error_code failed;
            const bool here_too = fs::is_directory(workspace_.root / path, failed);
            if (here_too && is_copied(path)) tree.tagged.push_back(path);
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
    bool knows_results_; // which of a cache's files are for people
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
