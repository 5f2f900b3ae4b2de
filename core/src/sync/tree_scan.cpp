#include "sync/tree_scan.hpp"

#include "agent/file_status.hpp"
#include "archive/cache_tag.hpp"
#include "archive/content_hasher.hpp"
#include "descriptor.hpp"
#include "sync/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

namespace slipway::sync {

namespace {

using agent::EntryKind;

constexpr int open_flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
constexpr std::size_t piece_bytes = std::size_t{128} << 10;
// More than the clock of a file system advances at once.
constexpr std::int64_t too_young_ns = 50'000'000;
// A thread costs as much as a look at some directories, or at the bytes of some files.
constexpr std::size_t directories_for_one = 8;
constexpr std::size_t files_for_one = 64;

// Through no symlink that has come into the way meanwhile, and however long the path is: the system
// takes names of 4 KiB at most.
Fd open_below(int root, std::string_view path, int flags)
{
    Fd at;
    for (auto slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/')) {
        at = Fd(::openat(
            at ? at.get() : root,
            std::string(path.substr(0, slash)).c_str(),
            O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        ));
        if (!at) return at;
        path.remove_prefix(slash + 1);
    }
    const std::string rest(path.empty() ? "." : path);
    return Fd(::openat(at ? at.get() : root, rest.c_str(), flags));
}

bool is_gone(int error)
{
    return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

KnownTree::Mark mark_of(const struct stat& status)
{
    KnownTree::Mark mark;
    mark.inode = status.st_ino;
    mark.ctime_ns = agent::nanoseconds(status.st_ctim);
    return mark;
}

bool is_stopped(const ScanOptions& options)
{
    return options.stop != nullptr && *options.stop;
}

// 0, an errno, or -1 when the file changed meanwhile.
int read_digest(
    int file,
    const struct stat& before,
    const ScanOptions& options,
    std::vector<char>& buffer,
    core::ContentHash& digest
)
{
    core::ContentHasher hasher;
    const auto size = static_cast<std::uint64_t>(before.st_size);
    for (std::uint64_t done = 0; done < size;) {
        if (is_stopped(options)) return ECANCELED;
        const auto want = std::min<std::uint64_t>(size - done, buffer.size());
        const ssize_t got = ::read(file, buffer.data(), static_cast<std::size_t>(want));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0) return -1;
        hasher.add(done, {buffer.data(), static_cast<std::size_t>(got)});
        done += static_cast<std::uint64_t>(got);
    }
    struct stat after {};
    if (::fstat(file, &after) != 0) return errno;
    if (after.st_size != before.st_size
        || agent::nanoseconds(after.st_mtim) != agent::nanoseconds(before.st_mtim)) {
        return -1;
    }
    digest = hasher.finish(size);
    return 0;
}

using File = std::pair<std::uint64_t, std::uint64_t>; // its file system, its inode

// What a directory has, in order; and of its directories, where they are.
struct Listing {
    std::string path;
    bool cache = false;
    std::vector<StateEntry> entries;
    std::vector<KnownTree::Mark> marks;
    std::vector<Detail> details;
    std::vector<File> files;                     // of those with several names; else 0
    std::vector<std::unique_ptr<Listing>> below; // one for each entry
    bool tagged = false;
    std::vector<std::string> sockets;
    std::vector<std::string> special;
};

// Takes directories from a queue, by several threads where there are many.
class Scanner {
public:
    Scanner(int root, const ScanOptions& options)
        : root_(root), options_(&options), crew_(options.crew != nullptr ? options.crew : &alone_)
    {
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME, &now);
        scan_.young_ns = agent::nanoseconds(now) - too_young_ns;
    }

    Scan run()
    {
        queue_.push_back(&top_);
        work();
        crew_->end();
        scan_.problems = std::move(problems_);
        if (scan_.problems.empty()) collect(scan_);
        return std::move(scan_);
    }

private:
    void work()
    {
        std::vector<char> buffer(piece_bytes);
        crew_->lock();
        for (;;) {
            while (queue_.empty() && busy_ > 0) {
                crew_->wait();
            }
            if (queue_.empty()) break;
            // The last ones first: fewer wait, and what was just looked at is near.
            Listing* const next = queue_.back();
            queue_.pop_back();
            ++busy_;
            crew_->call_for(queue_.size() / directories_for_one, [this] { work(); });
            crew_->unlock();
            const std::vector<Listing*> found = look(*next, buffer);
            crew_->lock();
            queue_.insert(queue_.end(), found.begin(), found.end());
            --busy_;
            if (!problems_.empty()) queue_.clear();
            if (!found.empty() || busy_ == 0) crew_->wake();
        }
        crew_->unlock();
    }

    void report(int error, std::string path)
    {
        crew_->lock();
        if (problems_.empty() || path_less(path, problems_.front().path)) {
            problems_.assign(1, {error < 0 ? 0 : error, std::move(path)});
        }
        crew_->unlock();
    }

    // The directories in it that are to be looked at.
    std::vector<Listing*> look(Listing& listing, std::vector<char>& buffer)
    {
        const std::string& path = listing.path;
        const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        Fd directory = open_below(root_, path, flags);
        std::vector<std::string> names;
        if (!directory || !names_in(directory.get(), names)) {
            const int error = errno;
            const bool tolerated = is_gone(error) || (error == EACCES && options_->tolerant);
            if (path.empty() || !tolerated) report(error, path);
            return {};
        }
        const bool may_be_tagged =
            !path.empty() && !listing.cache
            && std::binary_search(names.begin(), names.end(), core::cache_tag_name);
        if (may_be_tagged && core::is_tagged_cache(directory.get())) {
            listing.tagged = true;
            if (!options_->caches) return {};
            listing.cache = true;
        }
        listing.entries.reserve(names.size());
        listing.marks.reserve(names.size());
        listing.details.reserve(names.size());
        listing.files.reserve(names.size());
        if (is_stopped(*options_)) {
            report(ECANCELED, path);
            return {};
        }
        for (const std::string& name : names) {
            if (path.empty() && name == own_directory) continue;
            if (!add(listing, directory.get(), name, buffer)) return {};
        }
        std::vector<Listing*> found;
        listing.below.resize(listing.entries.size());
        for (std::size_t i = 0; i < listing.entries.size(); ++i) {
            if (!is(listing.entries[i], EntryKind::directory)) continue;
            listing.below[i] = std::make_unique<Listing>();
            listing.below[i]->path = listing.entries[i].path;
            listing.below[i]->cache = listing.cache;
            found.push_back(listing.below[i].get());
        }
        return found;
    }

    // False: a problem was reported.
    bool add(Listing& listing, int directory, const std::string& name, std::vector<char>& buffer)
    {
        struct stat status {};
        StateEntry entry;
        entry.path = listing.path.empty() ? name : listing.path + "/" + name;
        if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
            return skip(errno, entry.path);
        }
        const EntryKind kind = agent::kind_of(status.st_mode);
        if (options_->leave_out && options_->leave_out(entry.path, kind == EntryKind::directory)) {
            return true;
        }
        entry.kind = static_cast<std::uint8_t>(kind);
        switch (kind) {
        case EntryKind::socket:
            listing.sockets.push_back(std::move(entry.path));
            return true;
        case EntryKind::character_device:
        case EntryKind::block_device:
            listing.special.push_back(std::move(entry.path));
            return true;
        case EntryKind::symlink: {
            std::array<char, 4'097> text{};
            const ssize_t size =
                ::readlinkat(directory, name.c_str(), text.data(), text.size() - 1);
            if (size < 0) return skip(errno, entry.path);
            entry.link_target.assign(text.data(), static_cast<std::size_t>(size));
            break;
        }
        case EntryKind::directory:
        case EntryKind::fifo:
            entry.mode = status.st_mode & 0777;
            break;
        case EntryKind::file:
            entry.mode = status.st_mode & 0777;
            entry.size = static_cast<std::uint64_t>(status.st_size);
            entry.mtime_ns = agent::nanoseconds(status.st_mtim);
            if (!listing.cache && !add_digest(directory, name, status, entry, buffer)
                && !(errno == EACCES && options_->tolerant)) {
                return skip(errno, entry.path);
            }
            break;
        }
        listing.entries.push_back(std::move(entry));
        listing.marks.push_back(mark_of(status));
        listing.details.push_back(
            {static_cast<std::uint16_t>(status.st_mode & 07777), agent::nanoseconds(status.st_mtim)}
        );
        const bool linked = kind == EntryKind::file && status.st_nlink > 1;
        listing.files.push_back(linked ? File(status.st_dev, status.st_ino) : File());
        return true;
    }

    bool skip(int error, const std::string& path)
    {
        if (error > 0 && is_gone(error)) return true;
        report(error, path);
        return false;
    }

    // False: errno says why; -1 when the file changed.
    bool add_digest(
        int directory,
        const std::string& name,
        struct stat& status,
        StateEntry& entry,
        std::vector<char>& buffer
    )
    {
        if (options_->memo != nullptr) {
            entry.digest =
                options_->memo->digest(entry.path, entry.size, entry.mtime_ns, mark_of(status));
        }
        if (has_digest(entry) || !options_->digests) return true;
        const Fd file(::openat(directory, name.c_str(), open_flags));
        if (!file || ::fstat(file.get(), &status) != 0) return false;
        entry.size = static_cast<std::uint64_t>(status.st_size);
        entry.mtime_ns = agent::nanoseconds(status.st_mtim);
        errno = read_digest(file.get(), status, *options_, buffer, entry.digest);
        return errno == 0;
    }

    void collect(Scan& scan)
    {
        std::vector<std::pair<Listing*, std::size_t>> stack{{&top_, 0}};
        std::map<File, std::string> first_names;
        note(scan, top_);
        while (!stack.empty()) {
            auto& [listing, at] = stack.back();
            if (at == listing->entries.size()) {
                stack.pop_back();
                continue;
            }
            const std::size_t i = at++;
            Listing* const below = listing->below[i].get();
            StateEntry& entry = listing->entries[i];
            if (listing->files[i] != File() && !listing->cache) {
                const auto [known, first] = first_names.try_emplace(listing->files[i], entry.path);
                if (!first) entry.same_as = known->second;
            }
            const bool cache = listing->cache || (below != nullptr && below->tagged);
            if (!cache) {
                scan.tree.state.push_back(std::move(entry));
                scan.tree.marks.push_back(listing->marks[i]);
                scan.details.push_back(listing->details[i]);
            } else if (options_->caches) {
                const bool fresh = listing->marks[i].ctime_ns >= options_->since_ns;
                (fresh ? scan.fresh : scan.caches).push_back(std::move(entry));
            }
            if (below == nullptr) continue;
            note(scan, *below);
            stack.emplace_back(below, 0);
        }
    }

    static void note(Scan& scan, Listing& listing)
    {
        if (listing.tagged) scan.tagged.push_back(listing.path);
        std::move(listing.sockets.begin(), listing.sockets.end(), std::back_inserter(scan.sockets));
        std::move(listing.special.begin(), listing.special.end(), std::back_inserter(scan.devices));
    }

    int root_;
    const ScanOptions* options_;
    Scan scan_;
    Listing top_;
    Crew alone_;
    Crew* crew_;
    // By the crew's lock.
    std::vector<Listing*> queue_;
    std::size_t busy_ = 0;
    std::vector<ScanProblem> problems_;
};

// 0, an errno, or -1 when the file changed. One that is gone stays without a digest, and so is as
// no other.
int read_entry(int root, const ScanOptions& options, StateEntry& entry, std::vector<char>& buffer)
{
    struct stat status {};
    const Fd file = open_below(root, entry.path, open_flags);
    if (!file || ::fstat(file.get(), &status) != 0) return is_gone(errno) ? 0 : errno;
    if (!S_ISREG(status.st_mode)) return 0;
    entry.size = static_cast<std::uint64_t>(status.st_size);
    entry.mtime_ns = agent::nanoseconds(status.st_mtim);
    return read_digest(file.get(), status, options, buffer, entry.digest);
}

} // namespace

Scan scan_tree(int root, const ScanOptions& options)
{
    return Scanner(root, options).run();
}

void drop_young(KnownTree& tree, std::int64_t young_ns)
{
    for (KnownTree::Mark& mark : tree.marks) {
        if (mark.ctime_ns >= young_ns) mark = {};
    }
}

std::vector<ScanProblem> add_digests(
    int root, KnownTree& tree, const std::vector<std::size_t>& places, const ScanOptions& options
)
{
    Crew alone;
    Crew& crew = options.crew != nullptr ? *options.crew : alone;
    std::size_t next = 0;
    std::vector<ScanProblem> problems;
    const auto work = [&] {
        std::vector<char> buffer(piece_bytes);
        crew.lock();
        while (next != places.size() && problems.empty()) {
            StateEntry& entry = tree.state[places[next++]];
            crew.unlock();
            const int error = read_entry(root, options, entry, buffer);
            crew.lock();
            if (error != 0) problems.assign(1, {error < 0 ? 0 : error, entry.path});
        }
        crew.unlock();
    };
    crew.lock();
    crew.call_for(places.size() / files_for_one, work);
    crew.unlock();
    work();
    crew.end();
    return problems;
}

} // namespace slipway::sync
