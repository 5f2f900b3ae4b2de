#pragma once

#include "descriptor.hpp"
#include "walk.hpp"

#include <sys/stat.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace slipway::agent {

/// Reads a regular file, and notices when it changes meanwhile.
class FileReader {
public:
    /// Opens what a walk has found; no symlink. That it is gone is said without words.
    explicit FileReader(const Found& found);
    /// Opens what is at a path, behind symlinks as well.
    explicit FileReader(const std::string& path);

    /// Else `end` says how the job ends; the words were said.
    bool is_open() const noexcept { return is_open_; }
    TreeEnd end() const noexcept { return end_; }
    int descriptor() const noexcept { return file_.get(); }
    const struct stat& status() const noexcept { return status_; } ///< when it was opened

    using Take = std::function<TreeEnd(off_t at, std::string_view bytes)>;
    /// Gives `take` so many bytes, a piece at a time.
    TreeEnd read(off_t at, off_t count, const Take& take);
    /// After the last read.
    TreeEnd check_unchanged() const;
    /// Gives `take` all to the end, and checks that it is unchanged. What the system makes up when
    /// it is read has another size than `status` tells: often none.
    TreeEnd read_all(const Take& take);

private:
    void open(int parent, const char* name, int flags);

    std::string path_;
    Fd file_;
    struct stat status_ {};
    std::unique_ptr<char[]> buffer_;
    bool is_open_ = false;
    TreeEnd end_ = TreeEnd::failed;
};

} // namespace slipway::agent
