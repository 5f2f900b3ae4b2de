#pragma once

#include "sync/tree_state.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace slipway::sync {

/// A tree as somebody has seen it, and how to tell without reading a file that it is still so.
struct KnownTree {
    /// Of the same path in `state`: what no program can set back. 0: not to be relied on.
    struct Mark {
        std::uint64_t inode = 0;
        std::int64_t ctime_ns = 0;

        static void fields(auto& f, auto& m) { f(m.inode), f(m.ctime_ns); }
        friend bool operator==(const Mark&, const Mark&) = default;
    };

    TreeState state;
    std::vector<Mark> marks;         ///< one for each of `state`
    core::ContentHash digest{};      ///< of `state`; 0: nobody has taken it
    std::vector<std::string> tagged; ///< directories with a CACHEDIR.TAG, on this side
};

/// Takes the digest of the state where that was not done.
core::ContentHash digest_of(KnownTree& tree);

/// The bytes of a file that holds one, with its digest. They carry their own checksum.
std::string encode(KnownTree& tree);
/// Nothing when the bytes are no such file, are damaged, or of another version.
std::optional<KnownTree> decode_known_tree(std::string_view bytes);

/// Finds what is known of a path. Borrows the tree.
class Memo {
public:
    Memo() = default;
    explicit Memo(const KnownTree& tree);

    /// The digest of the file's bytes, where it is known to have the same still; else 0.
    core::ContentHash digest(
        std::string_view path,
        std::uint64_t size,
        std::int64_t mtime_ns,
        const KnownTree::Mark& mark
    ) const;

private:
    const KnownTree* tree_ = nullptr;
    std::unordered_map<std::string_view, std::size_t> places_;
};

} // namespace slipway::sync
