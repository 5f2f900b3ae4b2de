#pragma once

#include "digest/below.hpp"
#include "digest/notes.hpp"

#include <slipway/core/input_digests.hpp>

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

namespace slipway::core {

/// Of what stands there, a symlink itself; all zero when nothing does.
FileMark mark_of(const std::filesystem::path& path);

FileMark mark_of_status(const struct stat& status);
/// The same of what stands below an open directory. False, with errno: nobody knows.
bool mark_at(int directory, const char* name, FileMark& mark);

/// ns since 1970.
std::int64_t look_time();

/// Whether a change from `now` (ns since 1970) on must give the file another mark. A time that is
/// still to come tells nothing: the clock was set back, and comes by there once more.
bool is_settled(const FileMark& mark, std::int64_t now) noexcept;

/// One look at many paths below a directory, by many threads.
class Look {
public:
    /// Borrows all. Once `stop` is true, `digest` fails soon; null: it never is.
    Look(
        const Below& below,
        const std::vector<std::string>& paths,
        const std::atomic<bool>* stop = nullptr
    );

    /// What stands at each path: of files the mark alone, of all else everything.
    void stat();

    /// Of the files those digests that the notes have; reads the others, and notes them.
    void digest(Notes& notes);

    std::vector<DigestedPath>& found() noexcept { return found_; }
    std::uint64_t files_read() const noexcept { return files_read_; }
    /// What failed first in the order of the paths.
    Result<> result() const;

private:
    struct Reader;

    void group();
    void stat_some(std::size_t begin, std::size_t end);
    int stat_one(int directory, const char* name, DigestedPath& out) const;
    int stat_anew(std::size_t at);
    int read(std::size_t at, Reader& reader);
    int read_file(std::size_t at, Reader& reader);
    void fail_at(std::size_t at, int error);

    const Below& below_;
    const std::vector<std::string>& paths_;
    const std::atomic<bool>* stop_;
    std::vector<DigestedPath> found_;
    std::vector<std::uint32_t> order_;        ///< places of paths, by their directories
    std::vector<std::uint32_t> directory_of_; ///< of the path at a place
    std::vector<std::string_view> directories_;
    std::atomic<std::uint64_t> files_read_ = 0;
    std::mutex failing_;
    std::size_t failed_at_ = 0;
    int error_ = 0; ///< an errno, or -1: the file does not stay as it is
};

} // namespace slipway::core
