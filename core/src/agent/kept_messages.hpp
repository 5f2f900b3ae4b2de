#pragma once

#include "agent/codec.hpp"
#include "sync/tree_state.hpp"

#include <cstddef>
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

template <class Item>
struct List {
    std::vector<Item> items;

    static void fields(auto& f, auto& m) { f(m.items); }
};
using Paths = List<std::string>;
using Entries = List<sync::StateEntry>;

struct Scanned {
    bool from_base = false;  ///< what was told leads from `base`; else from nothing
    std::int64_t now_ns = 0; ///< by the clock of the files, at most

    static void fields(auto& f, auto& m) { f(m.from_base), f(m.now_ns); }
};

/// Appends the message with its size and its type.
template <class T>
void append_message(std::string& to, KeptType type, const T& message)
{
    std::string payload;
    Writer write(payload);
    write(static_cast<std::uint8_t>(type));
    write.field(message);
    Writer whole(to);
    whole(payload);
}

inline constexpr std::size_t kept_batch_bytes = 65'536;

inline std::size_t weight(const std::string& path)
{
    return sizeof(std::string) + path.size();
}
inline std::size_t weight(const sync::StateEntry& entry)
{
    return sizeof entry + entry.path.size() + entry.link_target.size();
}

/// Gives `each` the items in lists of some 64 KiB, until it gives false; then so does this.
template <class Item, class Each>
bool in_batches(const std::vector<Item>& items, Each each)
{
    List<Item> batch;
    std::size_t bytes = 0;
    for (const Item& item : items) {
        batch.items.push_back(item);
        bytes += weight(item);
        if (bytes < kept_batch_bytes) continue;
        if (!each(batch)) return false;
        batch.items.clear();
        bytes = 0;
    }
    return batch.items.empty() || each(batch);
}

} // namespace slipway::agent
