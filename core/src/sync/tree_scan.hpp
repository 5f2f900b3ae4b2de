#pragma once

#include "sync/known_tree.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::sync {

/// The directory at the top of a kept tree that is ours, on both sides: it is never compared.
inline constexpr std::string_view own_directory = ".slipway";

/// Those who do the work together. Alone, there is nobody to wait for.
class Crew {
public:
    Crew() = default;
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;
    virtual ~Crew() = default;

    virtual void lock() {}
    virtual void unlock() {}
    virtual void wait() {} ///< for a `wake`; the lock is held before and after it, not meanwhile
    virtual void wake() {} ///< all that wait
    /// With the lock held: there is work for so many. `work` may be called by others, until `end`.
    virtual void call_for(std::size_t, const std::function<void()>& work)
    {
        static_cast<void>(work);
    }
    virtual void end() {} ///< waits for those who were called
};

/// Of a path, what is not compared between two sides.
struct Detail {
    std::uint16_t mode = 0; ///< 07777
    std::int64_t mtime_ns = 0;
};

struct ScanOptions {
    const Memo* memo = nullptr; ///< borrowed; none: nothing is known
    Crew* crew = nullptr;       ///< borrowed; none: the caller works alone
    /// Reads the files that the memo does not know. Else their digests are empty.
    bool digests = true;
    bool caches = false; ///< tells what is in directories with a CACHEDIR.TAG
    /// What may not be read is told as far as it can be: a file without a digest, a directory
    /// without what it has. Else it is a problem.
    bool tolerant = false;
    /// Of these nothing is told; of a directory, nor of what is below. Called by several threads.
    std::function<bool(std::string_view path, bool is_directory)> leave_out{};
    std::int64_t since_ns = 0;               ///< see Scan::fresh
    const std::atomic<bool>* stop = nullptr; ///< borrowed; once true, ECANCELED is the problem
};

/// What could not be done; of the paths, the first in order.
struct ScanProblem {
    int error = 0;    ///< an errno; 0: the file changed while it was read
    std::string path; ///< below the root; empty for the root
};

struct Scan {
    KnownTree tree;
    std::vector<Detail> details; ///< one for each of `tree`
    /// A mark from here on is of a change so late that one to come could have the same time.
    std::int64_t young_ns = 0;
    TreeState caches; ///< below directories with a CACHEDIR.TAG, these included; no digests
    TreeState fresh;  ///< those of them that have changed since ScanOptions::since_ns
    std::vector<std::string> tagged;   ///< directories with a CACHEDIR.TAG
    std::vector<std::string> sockets;  ///< left out
    std::vector<std::string> devices;  ///< left out
    std::vector<ScanProblem> problems; ///< one at most
};

/// Looks at all below the directory `root`, in the order of path_less, without following symlinks.
/// Left out are sockets, devices, what has vanished meanwhile, and directories with a valid
/// CACHEDIR.TAG.
Scan scan_tree(int root, const ScanOptions& options);

/// Sets marks to 0 that are not to be relied on: those from `young_ns` on.
void drop_young(KnownTree& tree, std::int64_t young_ns);

/// Reads these files below `root`, for their digests, sizes and times in `tree`. Problems as in
/// Scan.
std::vector<ScanProblem> add_digests(
    int root, KnownTree& tree, const std::vector<std::size_t>& places, const ScanOptions& options
);

} // namespace slipway::sync
