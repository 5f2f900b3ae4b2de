#pragma once

#include "sync/tree_state.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// What is said on the stdin and stdout of a job that keeps a directory (What::keep), each message
/// after its size u32 and its type u8. PROTOCOL.md says what they mean.
namespace slipway::agent {

enum class KeptType : std::uint8_t {
    // Of the client.
    scan = 1,
    remove = 2,
    // Of the agent.
    waiting = 16,
    held = 17,
    changed = 18,
    gone = 19,
    caches = 20,
    fresh = 21,
    tagged = 22,
    scanned = 23,
    removed = 24,
};

struct ScanOrder {
    std::uint64_t base_high = 0; ///< the digest of what the client believes to be there; 0: nothing
    std::uint64_t base_low = 0;
    bool caches = false;
    std::int64_t since_ns = 0; ///< of caches: what has changed since is fresh

    static void fields(auto& f, auto& m)
    {
        f(m.base_high), f(m.base_low), f(m.caches), f(m.since_ns);
    }
};

struct Paths {
    std::vector<std::string> paths;

    static void fields(auto& f, auto& m) { f(m.paths); }
};

struct Entries {
    std::vector<sync::StateEntry> entries;

    static void fields(auto& f, auto& m) { f(m.entries); }
};

struct Scanned {
    bool from_base = false;  ///< what was told leads from `base`; else from nothing
    std::int64_t now_ns = 0; ///< by the clock of the files, at most

    static void fields(auto& f, auto& m) { f(m.from_base), f(m.now_ns); }
};

} // namespace slipway::agent
