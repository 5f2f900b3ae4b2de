#include "graph/source_names.hpp"

#include "agent/items.hpp"
#include "archive/cache_tag.hpp"
#include "archive/posix.hpp"
#include "digest/look.hpp"

#include <slipway/core/tree.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace slipway::core::graph {

namespace {

bool glob_part_matches(const agent::ItemPart& part, std::string_view name)
{
    return part.kind == agent::ItemPart::Kind::literal ? part.text == name
                                                       : agent::glob_matches(part.text, name);
}

std::pair<std::string_view, std::string_view> first_name(std::string_view path)
{
    const std::size_t slash = path.find('/');
    if (slash == std::string_view::npos) return {path, {}};
    return {path.substr(0, slash), path.substr(slash + 1)};
}

// Whether a begin of the path is what the parts mean. After a `**` the first place where the parts
// up to the next one fit is as good as any later one: so none before it is tried again.
bool path_matches(const std::vector<agent::ItemPart>& parts, std::string_view path)
{
    std::size_t at = 0;
    std::size_t again = 0; // behind the last `**`; 0: there was none
    std::string_view again_path;
    while (at < parts.size()) {
        if (path.empty()) return false;
        if (parts[at].kind == agent::ItemPart::Kind::directories) {
            again = ++at;
            again_path = path;
            continue;
        }
        const auto [name, rest] = first_name(path);
        if (glob_part_matches(parts[at], name)) {
            ++at;
            path = rest;
            continue;
        }
        if (again == 0) return false;
        again_path = first_name(again_path).second;
        at = again;
        path = again_path;
    }
    return true;
}

bool is_gone(int number)
{
    return number == ENOENT || number == ENOTDIR || number == ELOOP || number == ENAMETOOLONG;
}

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

class NameWalk {
public:
    NameWalk(std::string shown, std::vector<std::string>& names, std::vector<LookedAt>& looked_at)
        : shown_(std::move(shown)), names_(&names), looked_at_(&looked_at)
    {
    }

    // What is at `path` or below it: the same as of it is found from the top.
    Result<> below(Fd top, std::string_view path)
    {
        if (path.empty()) return directory(top.get(), ".", "");
        std::string done;
        for (Fd at = std::move(top);;) {
            const auto [first, rest] = first_name(path);
            const std::string name(first);
            if (done.empty() && is_left_out(name)) return ok();
            done = posix::join(done, name);
            if (rest.empty()) return entry(at.get(), name, done);
            CHECK_OK(look(at.get(), name.c_str(), done));
            Fd next(::openat(at.get(), name.c_str(), directory_flags));
            if (!next && is_gone(errno)) return ok();
            if (!next) return fail(posix::error(errno, "listing", posix::join(shown_, done)));
            TRY(const bool tagged, is_tagged(next.get(), done));
            if (tagged) return ok();
            at = std::move(next);
            path = rest;
        }
    }

private:
    static constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

    // At the top.
    static bool is_left_out(std::string_view name) { return name == ".slipway" || name == ".git"; }

    Result<> entry(int parent, const std::string& name, const std::string& path)
    {
        if (name.starts_with(".slipway-")) return ok(); // half a file, of a build that was killed
        CHECK_OK(look(parent, name.c_str(), path));
        struct stat status {};
        if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
            if (is_gone(errno)) return ok();
            return fail(posix::error(errno, "reading", posix::join(shown_, path)));
        }
        if (S_ISDIR(status.st_mode)) return directory(parent, name.c_str(), path);
        names_->push_back(path);
        return ok();
    }

    // NOLINTNEXTLINE(misc-no-recursion): as deep as the tree
    Result<> directory(int parent, const char* name, const std::string& path)
    {
        CHECK_OK(look(parent, name, path));
        Fd fd(::openat(parent, name, directory_flags));
        if (!fd) {
            if (is_gone(errno)) return ok();
            return fail(posix::error(errno, "listing", posix::join(shown_, path)));
        }
        TRY(const bool tagged, is_tagged(fd.get(), path));
        if (tagged) return ok();
        const int number = fd.get();
        const std::unique_ptr<DIR, CloseDirectory> listing(::fdopendir(number));
        if (!listing) return fail(posix::error(errno, "listing", posix::join(shown_, path)));
        static_cast<void>(fd.release());
        std::vector<std::string> directories;
        for (errno = 0; const dirent* entry = ::readdir(listing.get()); errno = 0) {
            const std::string_view found = entry->d_name;
            if (found == "." || found == "..") continue;
            if (path.empty() && is_left_out(found)) continue;
            if (is_directory(number, *entry)) {
                directories.emplace_back(found);
            } else {
                names_->push_back(posix::join(path, found));
            }
        }
        if (errno != 0) return fail(posix::error(errno, "listing", posix::join(shown_, path)));
        for (const std::string& one : directories) {
            CHECK_OK(directory(number, one.c_str(), posix::join(path, one)));
        }
        return ok();
    }

    Result<> look(int parent, const char* name, const std::string& path)
    {
        LookedAt one{path, {}};
        if (!mark_at(parent, name, one.mark)) {
            return fail(posix::error(errno, "reading", posix::join(shown_, path)));
        }
        looked_at_->push_back(std::move(one));
        return ok();
    }

    // One that has no such file gets it as a change of its own.
    Result<bool> is_tagged(int directory, const std::string& path)
    {
        if (path.empty()) return false;
        FileMark tag;
        if (!mark_at(directory, cache_tag_name, tag) || tag == FileMark()) return false;
        looked_at_->push_back({posix::join(path, cache_tag_name), tag});
        return is_tagged_cache(directory);
    }

    static bool is_directory(int parent, const dirent& entry)
    {
        if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
        struct stat status {};
        return ::fstatat(parent, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0
               && S_ISDIR(status.st_mode);
    }

    std::string shown_;
    std::vector<std::string>* names_;
    std::vector<LookedAt>* looked_at_;
};

} // namespace

Result<PathPattern> PathPattern::parse(std::string_view text)
{
    PathPattern pattern;
    while (text.ends_with('/')) {
        text.remove_suffix(1);
    }
    const TreeItem own(TreeItem::Kind::pattern, std::string(text));
    const agent::TreeItem item = agent_item(own);
    if (const auto why = agent::parse_item(item, pattern.parts_); !why.empty()) {
        return fail(Errc::invalid_argument, std::string(text) + ": " + std::string(why));
    }
    for (const agent::ItemPart& part : pattern.parts_) {
        if (part.kind != agent::ItemPart::Kind::literal) break;
        pattern.prefix_ = posix::join(pattern.prefix_, part.text);
    }
    return pattern;
}

bool PathPattern::matches(std::string_view path) const
{
    return path_matches(parts_, path);
}

bool PathPattern::is_literal() const noexcept
{
    return std::ranges::all_of(parts_, [](const agent::ItemPart& part) {
        return part.kind == agent::ItemPart::Kind::literal;
    });
}

Result<SourceNames::Paths> SourceNames::below(const std::string& directory)
{
    if (const auto known = listed_.find(directory); known != listed_.end()) return known->second;
    // A directory above has all that is below.
    for (std::string_view above = directory; !above.empty();) {
        above = posix::split(above).first;
        const auto known = listed_.find(std::string(above));
        if (known != listed_.end()) return known->second;
    }
    const auto names = std::make_shared<std::vector<std::string>>();
    Fd top(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!top) return fail(posix::error(errno, "opening", root_.native()));
    NameWalk walk(root_.native(), *names, looked_at_);
    CHECK_OK(walk.below(std::move(top), directory));
    std::ranges::sort(*names);
    return listed_.emplace(directory, names).first->second;
}

Result<SourceNames::Paths> SourceNames::matching(std::string_view pattern)
{
    if (const auto known = matched_.find(std::string(pattern)); known != matched_.end()) {
        return known->second;
    }
    TRY(const PathPattern parsed, PathPattern::parse(pattern));
    const std::string& directory = parsed.literal_prefix();
    TRY(const Paths all, below(directory));
    const auto found = std::make_shared<std::vector<std::string>>();
    if (parsed.is_literal() && std::ranges::binary_search(*all, directory)) {
        found->push_back(directory); // no directory, then
    }
    const std::string first = directory.empty() ? "" : directory + "/";
    for (auto at = std::ranges::lower_bound(*all, first); at != all->end(); ++at) {
        if (!at->starts_with(first)) break;
        if (parsed.matches(*at)) found->push_back(*at);
    }
    return matched_.emplace(pattern, found).first->second;
}

} // namespace slipway::core::graph
