#include "toolchain/contents.hpp"

#include "archive/content_hasher.hpp"
#include "archive/posix.hpp"
#include "sync/tree_scan.hpp"
#include "toolchain/parts.hpp"
#include "workspace/local_tree.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

// One file of notes for each directory, and for what it is looked at: see local_tree::note.
fs::path notes_of(const HostToolchain& toolchain, const fs::path& directory)
{
    if (toolchain.notes.empty()) return {};
    const std::string for_what = toolchain.target + (toolchain.with_source ? " source " : " ");
    const ContentHash hash = content_hash("toolchain " + for_what + directory.native());
    return toolchain.notes / fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

class Contents {
public:
    Contents(const HostToolchain& toolchain, const std::atomic<bool>& stop)
        : toolchain_(&toolchain), stop_(&stop)
    {
    }

    Result<Manifest> take()
    {
        for (const std::string_view top : needed_directories) {
            CHECK_OK(add_top(std::string(top)));
        }
        return std::move(manifest_);
    }

private:
    Result<> add_top(const std::string& top)
    {
        const fs::path path = toolchain_->from / top;
        struct stat status {};
        if (::lstat(path.c_str(), &status) != 0) {
            if (errno == ENOENT) return ok();
            return fail(posix::error(errno, "reading", path.native()));
        }
        ManifestEntry entry;
        entry.mode = status.st_mode & posix::permission_bits;
        if (S_ISDIR(status.st_mode)) {
            entry.type = EntryType::directory;
            manifest_.entries.emplace(top, std::move(entry));
            return add_below(top);
        }
        Error error(Errc::invalid_argument, path.string() + " is no directory");
        error.hint = "the toolchain has to be whole, with no links in place of its directories";
        return fail(std::move(error));
    }

    Result<> add_below(const std::string& top)
    {
        const fs::path root = toolchain_->from / top;
        const fs::path notes = notes_of(*toolchain_, root);
        const sync::KnownTree known = notes.empty() ? sync::KnownTree() : local_tree::noted(notes);
        const EntryFilter needed = [this, &top](std::string_view path, EntryType) {
            return is_needed(*toolchain_, posix::join(top, path));
        };
        TRY(sync::Scan here, local_tree::scan(root, needed, known, *stop_));
        CHECK_OK(local_tree::read(root, here.tree, unread(here.tree.state), *stop_));
        for (const sync::StateEntry& entry : here.tree.state) {
            add(posix::join(top, entry.path), entry, here.tree.state);
        }
        sync::drop_young(here.tree, here.young_ns);
        const bool same = here.tree.state == known.state && here.tree.marks == known.marks;
        if (!notes.empty() && !same) local_tree::note(notes, here.tree);
        return ok();
    }

    static const sync::StateEntry&
    first_name(const sync::StateEntry& entry, const sync::TreeState& all)
    {
        const auto* const first =
            entry.same_as.empty() ? nullptr : sync::found_in(all, entry.same_as);
        return first == nullptr ? entry : *first;
    }

    // Each by its first name.
    static std::vector<std::size_t> unread(const sync::TreeState& state)
    {
        std::vector<std::size_t> places;
        for (const sync::StateEntry& entry : state) {
            if (!sync::is(entry, agent::EntryKind::file)) continue;
            const sync::StateEntry& first = first_name(entry, state);
            if (sync::has_digest(first)) continue;
            places.push_back(static_cast<std::size_t>(&first - state.data()));
        }
        std::ranges::sort(places);
        places.erase(std::unique(places.begin(), places.end()), places.end());
        return places;
    }

    void add(const std::string& path, const sync::StateEntry& entry, const sync::TreeState& all)
    {
        ManifestEntry& out = manifest_.entries[path];
        out.mode = entry.mode;
        out.link_target = entry.link_target;
        if (sync::is(entry, agent::EntryKind::directory)) {
            out.type = EntryType::directory;
        } else if (sync::is(entry, agent::EntryKind::symlink)) {
            out.type = EntryType::symlink;
        } else if (sync::is(entry, agent::EntryKind::fifo)) {
            out.type = EntryType::fifo;
        } else {
            const sync::StateEntry& first = first_name(entry, all);
            out.size = first.size;
            out.content = first.digest;
        }
    }

    const HostToolchain* toolchain_;
    const std::atomic<bool>* stop_;
    Manifest manifest_;
};

} // namespace

Result<Manifest> contents_of(const HostToolchain& toolchain, const std::atomic<bool>& stop)
{
    return Contents(toolchain, stop).take();
}

ContentHash digest_of_contents(const Manifest& contents)
{
    std::string text;
    for (const auto& [path, entry] : contents.entries) {
        const bool link = entry.type == EntryType::symlink;
        const unsigned mode = link ? 0 : entry.mode & posix::permission_bits;
        const ContentHash content = entry.content.value_or(ContentHash());
        text += path;
        text += '\0';
        text += fmt::format(
            "{} {:o} {} {:016x}{:016x} ",
            to_string(entry.type),
            mode,
            entry.type == EntryType::file ? entry.size : 0,
            content.high,
            content.low
        );
        text += entry.link_target;
        text += '\0';
    }
    return content_hash(text);
}

} // namespace slipway::core
