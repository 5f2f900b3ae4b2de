#include "archive/posix.hpp"
#include "archive/tree_writer.hpp"

#include <slipway/core/tar_reader.hpp>

namespace slipway::core {

Manifest deleted(const Manifest& sent, const Unpacked& unpacked)
{
    Manifest out;
    out.begun_ns = sent.begun_ns;
    const std::string prefix = unpacked.sent_root.empty() ? "" : unpacked.sent_root + '/';
    for (auto it = sent.entries.lower_bound(prefix);
         it != sent.entries.end() && it->first.starts_with(prefix);
         ++it) {
        std::string path = it->first.substr(prefix.size());
        if (!unpacked.seen.contains(path)) out.entries.emplace(std::move(path), it->second);
    }
    return out;
}

Result<Removed> remove_deleted(const std::filesystem::path& destination, const Manifest& gone)
{
    TRY(TreeWriter tree, TreeWriter::open(destination.native()));
    Removed out;
    // A path sorts behind its parents.
    for (auto it = gone.entries.rbegin(); it != gone.entries.rend(); ++it) {
        const auto& [path, sent] = *it;
        TRY(const std::string clean, posix::clean_path(path, Errc::invalid_argument));
        if (clean != path || clean.empty()) {
            return fail(
                Errc::invalid_argument, "not a plain relative path: " + posix::printable(path)
            );
        }
        const auto found = tree.look(path);
        if (!found && found.error().code == Errc::conflict) {
            out.kept.push_back(path); // a parent has become something else
            continue;
        }
        TRY(const auto status, found);
        if (!status) continue;
        TRY(bool removed, tree.is_as_sent(path, sent));
        if (removed && sent.type == EntryType::directory) {
            TRY(removed, tree.remove_directory(path));
        } else if (removed) {
            CHECK_OK(tree.remove(path));
        }
        (removed ? out.removed : out.kept).push_back(path);
    }
    return out;
}

} // namespace slipway::core
