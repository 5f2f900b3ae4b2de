#pragma once

#include "support/temp_directory.hpp"

#include <slipway/core/input_digests.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace slipway::test {

/// A directory of files, and beside it the notes.
class Tree {
public:
    Tree()
    {
        std::filesystem::create_directory(root());
        std::filesystem::permissions(top_.path(), std::filesystem::perms(0755));
    }

    std::filesystem::path root() const { return top_.path() / "root"; }
    std::filesystem::path notes() const { return top_.path() / "notes"; }
    std::filesystem::path outside() const { return top_.path(); }

    /// In the place of what the file had; its inode stays.
    void write(const std::string& path, std::string_view bytes) const
    {
        const auto file = root() / path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << bytes;
    }

    core::InputDigests open() const { return core::InputDigests::open(root(), notes()).value(); }

    /// The texts of these paths, as `digests` sees them.
    static std::vector<std::string>
    texts(core::InputDigests& digests, const std::vector<std::string>& paths)
    {
        std::vector<std::string> out;
        const auto found = digests.look(paths).value();
        out.reserve(found.size());
        for (const core::DigestedPath& path : found) {
            out.push_back(path.text());
        }
        return out;
    }
    std::string text(const std::string& path) const
    {
        auto digests = open();
        return texts(digests, {path}).front();
    }

private:
    TempDirectory top_;
};

inline std::string file_text(std::string_view bytes)
{
    return "file " + core::to_hex(core::sha256(bytes));
}

/// Until what was written now is old enough to be relied on.
inline void wait_until_settled()
{
    std::this_thread::sleep_for(std::chrono::milliseconds(80));
}

inline void set_mtime(const std::filesystem::path& file, timespec time)
{
    const timespec times[2] = {{0, UTIME_OMIT}, time}; // NOLINT(modernize-avoid-c-arrays)
    if (::utimensat(AT_FDCWD, file.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
        throw std::runtime_error("utimensat");
    }
}

inline timespec mtime_of(const std::filesystem::path& file)
{
    struct stat status {};
    if (::lstat(file.c_str(), &status) != 0) throw std::runtime_error("lstat");
    return status.st_mtim;
}

} // namespace slipway::test
