#include "sync/known_tree.hpp"

#include "agent/codec.hpp"
#include "archive/content_hasher.hpp"

namespace slipway::sync {

namespace {

constexpr std::string_view magic = "slipway tree 1\n";
constexpr std::size_t checksum_bytes = 16;

struct Record {
    StateEntry entry;
    KnownTree::Mark mark;

    static void fields(auto& f, auto& m) { f.field(m.entry), f.field(m.mark); }
};

} // namespace

std::string encode(const KnownTree& tree)
{
    std::string body;
    agent::Writer write(body);
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
    std::vector<Record> records;
    agent::Reader read(body);
    read(records);
    if (!read.whole()) return std::nullopt;
    KnownTree tree;
    tree.state.reserve(records.size());
    tree.marks.reserve(records.size());
    for (Record& record : records) {
        tree.state.push_back(std::move(record.entry));
        tree.marks.push_back(record.mark);
    }
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
    const bool same = entry.size == size && entry.mtime_ns == mtime_ns
                      && known.inode == mark.inode && known.ctime_ns == mark.ctime_ns;
    return same ? entry.digest : core::ContentHash();
}

} // namespace slipway::sync
