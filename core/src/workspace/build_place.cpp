#include "workspace/build_place.hpp"

#include "archive/cache_tag.hpp"
#include "path_inside.hpp"
#include "sync/remove_tree.hpp"
#include "workspace/uplift.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

constexpr const char* places_name = ".slipway";
constexpr std::string_view record_ending = ".results";
constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr std::string_view words_of_tag = "\n# What a build has made. See "
                                          "https://bford.info/cachedir/ for what this file says to "
                                          "others.\n";

// As cargo does for a directory that it makes. Another command may have done it just now.
Result<> tag(int directory, const fs::path& path)
{
    const posix::Fd file(
        ::openat(directory, cache_tag_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)
    );
    if (!file && errno == EEXIST) return ok();
    const std::string text = std::string(cache_tag) + std::string(words_of_tag);
    const auto size = static_cast<ssize_t>(text.size());
    if (file && ::write(file.get(), text.data(), text.size()) == size) return ok();
    return fail(posix::error(errno, "writing CACHEDIR.TAG in", path.native()));
}

posix::Fd open_again(int directory)
{
    return posix::Fd(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

// The directory at a path below another one; none, with errno, where it is not or a symlink leads
// away. `made`: where it is given, directories that are missing are made, and whether the last one
// was.
posix::Fd descend(int from, const fs::path& path, bool* made)
{
    posix::Fd at = open_again(from);
    for (const fs::path& part : path) {
        if (!at) break;
        if (made != nullptr) {
            *made = ::mkdirat(at.get(), part.c_str(), 0777) == 0;
            if (!*made && errno != EEXIST) return {};
        }
        at = posix::Fd(::openat(at.get(), part.c_str(), directory_flags));
    }
    return at;
}

} // namespace

BuildPlace::BuildPlace(BuildDirectory directory, posix::Fd root, fs::path below)
    : directory_(std::move(directory)), root_(std::move(root)), below_(std::move(below))
{
}

Result<BuildPlace> BuildPlace::prepare(const fs::path& root, BuildDirectory directory)
{
    const fs::path& path = directory.path;
    auto below = path_inside(path, root);
    if (!below || *below == ".") {
        return fail(
            Errc::unsupported,
            posix::printable(path.native()) + " is not below the workspace " + root.string()
        );
    }
    posix::Fd top(::open(root.c_str(), directory_flags));
    if (!top) return fail(posix::error(errno, "opening", root.native()));
    bool made = false;
    const posix::Fd opened = descend(top.get(), *below, &made);
    if (!opened && (errno == ENOTDIR || errno == ELOOP)) {
        Error error(
            Errc::unsupported,
            "a symlink or a file is on the way to " + posix::printable(path.native())
        );
        error.hint = "make it a directory of the workspace's, or choose another one";
        return fail(std::move(error));
    }
    if (!opened) return fail(posix::error(errno, "making", path.native()));
    if (made) {
        CHECK_OK(tag(opened.get(), path));
    }
    return BuildPlace(std::move(directory), std::move(top), *std::move(below));
}

std::string BuildPlace::inside(const std::string& image) const
{
    return (directory_.path / places_name / image).string();
}

Result<Uplifted> BuildPlace::uplift(const std::string& image) const
{
    const posix::Fd path = descend(root_.get(), below_, nullptr);
    if (!path && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) return Uplifted();
    if (!path) return fail(posix::error(errno, "opening", directory_.path.native()));
    const posix::Fd records = descend(path.get(), places_name, nullptr);
    if (!records) return Uplifted(); // nothing was ever built there
    const posix::Fd from = descend(records.get(), image, nullptr);
    if (!from && errno != ENOENT) return fail(posix::error(errno, "opening", inside(image)));
    UpliftPlaces places;
    places.from = from.get();
    places.to = path.get();
    places.records = records.get();
    places.record = image + std::string(record_ending);
    places.shown = directory_.path.native();
    return core::uplift(places, directory_.is_result);
}

Result<Uplifted> BuildPlace::clear() const
{
    Uplifted all;
    const posix::Fd path = descend(root_.get(), below_, nullptr);
    if (!path) return all;
    const fs::path shown = directory_.path / places_name;
    const posix::Fd places = descend(path.get(), places_name, nullptr);
    std::vector<std::string> names;
    if (places) {
        TRY(names, posix::names_in(open_again(places.get()), shown.native()));
    }
    for (const std::string& name : names) {
        if (name.ends_with(record_ending)) {
            UpliftPlaces of_record;
            of_record.to = path.get();
            of_record.records = places.get();
            of_record.record = name;
            of_record.shown = directory_.path.native();
            TRY(Uplifted done, core::uplift(of_record, directory_.is_result));
            all.removed.insert(all.removed.end(), done.removed.begin(), done.removed.end());
        }
        std::string failed;
        if (const int number = sync::remove_tree(places.get(), name, failed)) {
            return fail(posix::error(number, "removing", (shown / failed).native()));
        }
    }
    ::unlinkat(path.get(), places_name, AT_REMOVEDIR);
    // As cargo does, but for what is somebody else's.
    TRY(const auto left, posix::names_in(open_again(path.get()), directory_.path.native()));
    if (left.empty() || left == std::vector<std::string>{cache_tag_name}) {
        ::unlinkat(path.get(), cache_tag_name, 0);
        const posix::Fd above = descend(root_.get(), below_.parent_path(), nullptr);
        if (above) ::unlinkat(above.get(), below_.filename().c_str(), AT_REMOVEDIR);
    }
    return all;
}

} // namespace slipway::core
