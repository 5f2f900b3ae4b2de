#include "toolchain/layout.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

// What is in a directory, in order; nothing of what cannot be read.
std::vector<fs::path> parts_of_directory(const fs::path& directory)
{
    std::vector<fs::path> all;
    std::error_code failed;
    for (fs::directory_iterator entry(directory, failed), end; !failed && entry != end;
         entry.increment(failed)) {
        all.push_back(entry->path());
    }
    std::ranges::sort(all);
    return all;
}

// No link to one: what it leads to is not the archive's.
bool is_own_directory(const fs::path& path)
{
    std::error_code ignored;
    return fs::is_directory(fs::symlink_status(path, ignored));
}

bool has_compiler(const fs::path& directory)
{
    std::error_code ignored;
    return is_own_directory(directory) && is_own_directory(directory / "bin")
           && fs::exists(fs::symlink_status(directory / "bin/rustc", ignored));
}

Error not_moved(const fs::path& path, const std::error_code& why)
{
    return {Errc::io, "moving " + path.string() + ": " + why.message()};
}

// What is in one that is read-only cannot be moved, nor can it itself.
void make_writable(const fs::path& directory)
{
    std::error_code ignored;
    if (!is_own_directory(directory)) return;
    fs::permissions(directory, fs::perms::owner_all, fs::perm_options::add, ignored);
}

// Directories that are in both become one.
Result<> move_into(const fs::path& from, const fs::path& into)
{
    make_writable(from);
    for (const fs::path& part : parts_of_directory(from)) {
        const fs::path place = into / part.filename();
        std::error_code failed;
        const bool is_free = !fs::exists(fs::symlink_status(place, failed));
        if (is_free) {
            failed.clear();
            make_writable(part);
            fs::rename(part, place, failed);
            if (failed) return fail(not_moved(part, failed));
        } else if (is_own_directory(part) && is_own_directory(place)) {
            CHECK_OK(move_into(part, place));
        } else {
            return fail(
                Errc::invalid_argument,
                "two components have " + part.filename().string() + ": " + part.string()
            );
        }
    }
    return ok();
}

Result<fs::path> joined_components(const fs::path& release)
{
    fs::path whole = release / ".whole";
    std::error_code failed;
    const bool is_new = fs::create_directory(whole, failed);
    if (failed) return fail(not_moved(whole, failed));
    if (!is_new) return fail(Errc::invalid_argument, "it has " + whole.filename().string());
    for (const fs::path& component : parts_of_directory(release)) {
        make_writable(component);
        const fs::path list = component / "manifest.in"; // every component has one
        if (!is_own_directory(component) || !fs::remove(list, failed)) continue;
        CHECK_OK(move_into(component, whole));
    }
    return whole;
}

} // namespace

Result<fs::path> toolchain_in(const fs::path& unpacked)
{
    std::vector<fs::path> places = parts_of_directory(unpacked);
    places.insert(places.begin(), unpacked);
    for (const fs::path& place : places) {
        make_writable(place);
        if (has_compiler(place)) return place;
        if (is_own_directory(place) && has_compiler(place / "rustc")) {
            return joined_components(place);
        }
    }
    return fail(
        Errc::invalid_argument, "neither bin/rustc is in it nor what Rust's own releases have"
    );
}

} // namespace slipway::core
