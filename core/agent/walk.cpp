#include "walk.hpp"

#include "agent/selection.hpp"
#include "descriptor.hpp"
#include "sync/files.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

namespace slipway::agent {

namespace {

constexpr int open_flags = O_DIRECTORY | O_CLOEXEC;

class Walk {
public:
    Walk(const std::string& top, const std::function<TreeEnd(const Found&)>& visit)
        : top_(&top), visit_(&visit)
    {
    }

    TreeEnd go(const std::vector<TreeItem>& items)
    {
        for (const TreeItem& item : items) {
            const std::string_view problem = selection_.add(item);
            if (!problem.empty()) return complain(item.text, problem, TreeEnd::refused);
        }
        const Fd directory(::open(top_->c_str(), O_PATH | open_flags));
        if (!directory) {
            const int error = errno;
            return complain(*top_, error, is_gone(error) ? TreeEnd::missing : TreeEnd::failed);
        }
        bool all = false;
        const Selection::States states = selection_.begin(all);
        if (all) {
            Found found{directory.get(), ".", ".", {}};
            if (::fstat(directory.get(), &found.status) != 0) return complain(*top_, errno);
            const TreeEnd end = (*visit_)(found);
            if (end != TreeEnd::done) return end;
        }
        const TreeEnd end = go_through(directory.get(), "", states, all);
        if (end != TreeEnd::done) return end;
        const TreeItem* const missing = selection_.missing();
        if (missing == nullptr) return TreeEnd::done;
        const bool is_pattern = missing->kind == static_cast<std::uint8_t>(ItemKind::pattern);
        return complain(
            missing->text,
            is_pattern ? "nothing in the directory matches the pattern"
                       : "No such file or directory",
            TreeEnd::missing
        );
    }

private:
    // NOLINTNEXTLINE(misc-no-recursion)
    TreeEnd
    go_through(int directory, const std::string& path, const Selection::States& states, bool all)
    {
        std::vector<std::string_view> wanted;
        std::vector<std::string> names;
        if (!all && selection_.are_names(states, wanted)) {
            names.assign(wanted.begin(), wanted.end());
        } else if (!sync::names_in(directory, names)) {
            return is_gone(errno) ? TreeEnd::done : complain(path.empty() ? *top_ : path, errno);
        }
        for (const std::string& name : names) {
            const TreeEnd end = look_at(directory, name, path, states, all);
            if (end != TreeEnd::done) return end;
        }
        return TreeEnd::done;
    }

    // NOLINTNEXTLINE(misc-no-recursion)
    TreeEnd look_at(
        int directory,
        const std::string& name,
        const std::string& above,
        const Selection::States& states,
        bool all
    )
    {
        const std::string path = above.empty() ? name : above + "/" + name;
        Found found{directory, name.c_str(), path.c_str(), {}};
        if (::fstatat(directory, name.c_str(), &found.status, AT_SYMLINK_NOFOLLOW) != 0) {
            return is_gone(errno) ? TreeEnd::done : complain(path, errno);
        }
        bool selected = all;
        Selection::States below = selection_.step(states, name, selected);
        if (selected) {
            const TreeEnd end = (*visit_)(found);
            if (end == TreeEnd::missing) {
                selection_.forget(states, name);
                return TreeEnd::done;
            }
            if (end != TreeEnd::done) return end;
        }
        const bool is_symlink = S_ISLNK(found.status.st_mode);
        if (!is_symlink && !S_ISDIR(found.status.st_mode)) return TreeEnd::done;
        if (is_symlink) {
            below = selection_.behind_symlink(below);
            selected = false;
        }
        if (!selected && below.empty()) return TreeEnd::done;
        const Fd inner(
            ::openat(directory, name.c_str(), O_PATH | open_flags | (is_symlink ? 0 : O_NOFOLLOW))
        );
        if (!inner) return is_gone(errno) ? TreeEnd::done : complain(path, errno);
        return go_through(inner.get(), path, below, selected);
    }

    const std::string* top_;
    const std::function<TreeEnd(const Found&)>* visit_;
    Selection selection_;
};

} // namespace

TreeEnd walk(
    const std::string& top,
    const std::vector<TreeItem>& items,
    const std::function<TreeEnd(const Found&)>& visit
)
{
    return Walk(top, visit).go(items);
}

bool is_gone(int error)
{
    return error == ENOENT || error == ENOTDIR;
}

bool read_link(const Found& found, std::string& target)
{
    std::array<char, 4097> text{};
    const ssize_t size = ::readlinkat(found.parent, found.name, text.data(), text.size() - 1);
    if (size < 0) return false;
    target.assign(text.data(), static_cast<std::size_t>(size));
    return true;
}

} // namespace slipway::agent
