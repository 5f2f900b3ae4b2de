#include "archive/posix.hpp"
#include "archive/tree_writer.hpp"

#include <slipway/core/tar_reader.hpp>

#include <algorithm>
#include <set>

namespace slipway::core {

namespace {

/// Whether the directory `path` holds anything beside `known`.
Result<bool>
holds_more(TreeWriter& tree, const std::string& path, const std::set<std::string>& known)
{
    TRY(const std::vector<std::string> names, tree.list(path));
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        return !known.contains(posix::join(path, name));
    });
}

} // namespace

Manifest deleted(const Manifest& sent, const Unpacked& unpacked)
{
    Manifest out;
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
    std::set<std::string> staying;
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
        // A parent has become something else, so this went with it.
        if (!found && found.error().code == Errc::conflict) continue;
        TRY(const auto status, found);
        if (!status) continue;
        TRY(const bool as_sent, tree.is_as_sent(path, sent));
        bool removed = as_sent;
        if (as_sent && sent.type == EntryType::directory) {
            TRY(removed, tree.remove_directory(path));
        } else if (as_sent) {
            CHECK_OK(tree.remove(path));
        }
        if (removed) {
            out.removed.push_back(path);
            continue;
        }
        staying.insert(path);
        if (!as_sent) {
            out.kept.push_back({path, KeepReason::deleted});
            continue;
        }
        TRY(const bool more, holds_more(tree, path, staying));
        if (more) out.kept.push_back({path, KeepReason::not_empty});
    }
    return out;
}

} // namespace slipway::core
