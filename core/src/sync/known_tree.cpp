#include "sync/known_tree.hpp"

#include "agent/codec.hpp"
#include "archive/content_hasher.hpp"

#include <algorithm>

namespace slipway::sync {

namespace {

constexpr std::string_view magic = "slipway tree 1\n";
constexpr std::size_t checksum_bytes = 16;

} // namespace

core::ContentHash digest_of(KnownTree& tree)
{
    if (tree.digest == core::ContentHash()) tree.digest = digest_of(tree.state);
    return tree.digest;
}

std::string encode(KnownTree& tree)
{
    constexpr std::size_t usual_record = 160;
    std::string body;
    body.reserve(tree.state.size() * usual_record);
    agent::Writer write(body);
    const core::ContentHash digest = digest_of(tree);
    write(digest.high);
    write(digest.low);
    write(tree.tagged);
    write(static_cast<std::uint32_t>(tree.state.size()));
    for (std::size_t i = 0; i < tree.state.size(); ++i) {
        write.field(tree.state[i]);
        write.field(tree.marks[i]);
    }
    return std::string(magic) + core::bytes_of(core::content_hash(body)) + body;
}

std::optional<KnownTree> decode_known_tree(std::string_view bytes)
{
    if (!bytes.starts_with(magic)) return std::nullopt;
    bytes.remove_prefix(magic.size());
    if (bytes.size() < checksum_bytes) return std::nullopt;
    const std::string_view body = bytes.substr(checksum_bytes);
    if (core::bytes_of(core::content_hash(body)) != bytes.substr(0, checksum_bytes)) {
        return std::nullopt;
    }
    KnownTree tree;
    agent::Reader read(body);
    std::uint32_t count = 0;
    read(tree.digest.high);
    read(tree.digest.low);
    read(tree.tagged);
    read(count);
    // A record has more than these: a count that lies takes no memory.
    const std::size_t most = body.size() / sizeof(KnownTree::Mark);
    tree.state.reserve(std::min<std::size_t>(count, most));
    tree.marks.reserve(std::min<std::size_t>(count, most));
    for (std::uint32_t i = 0; i < count && read.good(); ++i) {
        read.field(tree.state.emplace_back());
        read.field(tree.marks.emplace_back());
    }
    if (!read.whole()) return std::nullopt;
    return tree;
}

Memo::Memo(const KnownTree& tree) : tree_(&tree)
{
    places_.reserve(tree.state.size());
    for (std::size_t i = 0; i < tree.state.size(); ++i) {
        if (tree.marks[i].inode != 0) places_.emplace(tree.state[i].path, i);
    }
}

core::ContentHash Memo::digest(
    std::string_view path, std::uint64_t size, std::int64_t mtime_ns, const KnownTree::Mark& mark
) const
{
    const auto found = places_.find(path);
    if (found == places_.end()) return {};
    const StateEntry& entry = tree_->state[found->second];
    const KnownTree::Mark& known = tree_->marks[found->second];
    const bool same = entry.size == size && entry.mtime_ns == mtime_ns && known.inode == mark.inode
                      && known.ctime_ns == mark.ctime_ns;
    return same ? entry.digest : core::ContentHash();
}

} // namespace slipway::sync
