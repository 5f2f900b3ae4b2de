#include "workspace/build_place.hpp"

#include "sync/remove_tree.hpp"
#include "workspace/uplift.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

constexpr const char* places_name = ".slipway";
constexpr std::string_view record_ending = ".results";
constexpr std::string_view cache_tag = "Signature: 8a477f597d28d172789f06886806bc55\n"
                                       "# What a build has made. See https://bford.info/cachedir/ "
                                       "for what this file says to others.\n";

// As cargo does for a directory that it makes.
Result<> tag(int directory, const fs::path& path)
{
    const posix::Fd file(
        ::openat(directory, "CACHEDIR.TAG", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)
    );
    const auto size = static_cast<ssize_t>(cache_tag.size());
    if (file && ::write(file.get(), cache_tag.data(), cache_tag.size()) == size) return ok();
    return fail(posix::error(errno, "writing CACHEDIR.TAG in", path.native()));
}

Result<> check_inside(const fs::path& root, const fs::path& path)
{
    std::error_code failed;
    const fs::path real = fs::canonical(path, failed);
    const std::string below = real.lexically_relative(root).string();
    if (!failed && !below.empty() && below != ".." && !below.starts_with("../")) return ok();
    return fail(
        Errc::unsupported,
        posix::printable(path.native()) + " leads out of the workspace " + root.string()
    );
}

posix::Fd open_again(const posix::Fd& directory)
{
    return posix::Fd(::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

Result<posix::Fd> open_directory(int above, const std::string& name, const fs::path& shown)
{
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    posix::Fd opened(::openat(above, name.c_str(), flags));
    if (!opened) return fail(posix::error(errno, "opening", shown.native()));
    return opened;
}

} // namespace

BuildPlace::BuildPlace(
    BuildDirectory directory, std::string image, posix::Fd path, posix::Fd places
)
    : directory_(std::move(directory)),
      image_(std::move(image)),
      path_(std::move(path)),
      places_(std::move(places))
{
}

Result<BuildPlace>
BuildPlace::prepare(const fs::path& root, BuildDirectory directory, std::string image)
{
    const fs::path& path = directory.path;
    std::error_code failed;
    const bool made = fs::create_directories(path, failed);
    if (failed) return fail(posix::error(failed.value(), "making", path.native()));
    CHECK_OK(check_inside(root, path));
    TRY(posix::Fd opened, open_directory(AT_FDCWD, fs::canonical(path, failed), path));
    if (made) CHECK_OK(tag(opened.get(), path));
    if (::mkdirat(opened.get(), places_name, 0777) != 0 && errno != EEXIST) {
        return fail(posix::error(errno, "making", (path / places_name).native()));
    }
    TRY(posix::Fd places, open_directory(opened.get(), places_name, path / places_name));
    return BuildPlace(std::move(directory), std::move(image), std::move(opened), std::move(places));
}

std::string BuildPlace::inside() const
{
    return (directory_.path / places_name / image_).string();
}

Result<Uplifted> BuildPlace::uplift() const
{
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    const posix::Fd from(::openat(places_.get(), image_.c_str(), flags));
    if (!from && errno != ENOENT) {
        return fail(posix::error(errno, "opening", inside()));
    }
    UpliftPlaces places = uplift_places(image_ + std::string(record_ending));
    places.from = from.get();
    return core::uplift(places, directory_.is_result);
}

Result<Uplifted> BuildPlace::clear() const
{
    const fs::path shown = directory_.path / places_name;
    TRY(const auto names, posix::names_in(open_again(places_), shown.native()));
    Uplifted all;
    for (const std::string& name : names) {
        if (name.ends_with(record_ending)) {
            TRY(Uplifted done, core::uplift(uplift_places(name), directory_.is_result));
            all.removed.insert(all.removed.end(), done.removed.begin(), done.removed.end());
        }
        std::string failed;
        if (const int number = sync::remove_tree(places_.get(), name, failed)) {
            return fail(posix::error(number, "removing", (shown / failed).native()));
        }
    }
    ::unlinkat(path_.get(), places_name, AT_REMOVEDIR);
    // As cargo does, but for what is somebody else's.
    TRY(const auto left, posix::names_in(open_again(path_), directory_.path.native()));
    if (left.empty() || left == std::vector<std::string>{"CACHEDIR.TAG"}) {
        ::unlinkat(path_.get(), "CACHEDIR.TAG", 0);
        ::rmdir(directory_.path.c_str());
    }
    return all;
}

UpliftPlaces BuildPlace::uplift_places(std::string record) const
{
    UpliftPlaces places;
    places.to = path_.get();
    places.records = places_.get();
    places.record = std::move(record);
    places.shown = directory_.path.native();
    return places;
}

} // namespace slipway::core
