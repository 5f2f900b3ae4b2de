#pragma once

#include <slipway/core/digest.hpp>
#include <slipway/core/manifest.hpp>
#include <slipway/engine/result.hpp>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// What tells without reading a file that it has the bytes that it had.
struct FileMark {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t mtime_ns = 0;
    std::int64_t ctime_ns = 0;
    std::uint32_t mode = 0; ///< st_mode, with the type

    friend bool operator==(const FileMark&, const FileMark&) = default;
};

/// A path as a build sees it: no times, no owner, of the mode only whether it can be executed.
struct DigestedPath {
    enum class Kind : std::uint8_t { missing, file, directory, symlink, other };

    Kind kind = Kind::missing;
    bool executable = false; ///< of a file: by its owner
    Sha256 digest{};         ///< of a file's bytes, or of the text of a symlink
    FileMark mark{};         ///< all zero when it is missing

    /// Text of one line that says all but the mark: what goes into a key. "file 1f2e...",
    /// "executable 1f2e...", "symlink 77ab...", "directory", "missing".
    std::string text() const;
};

/// The digests of files below one directory, which stay known from one process to the next. Files
/// are read only when their mark is another one, or so young that a later change could have the
/// same. Many threads read at once; the object is one thread's.
class InputDigests {
public:
    /// `notes`: a file, which need not be there; what is damaged, or of another version, is as if
    /// it were not. Empty: nothing is kept.
    /// Errors: not_found, permission_denied, io (`root` cannot be opened).
    static Result<InputDigests> open(std::filesystem::path root, std::filesystem::path notes);

    InputDigests(InputDigests&&) noexcept;
    InputDigests& operator=(InputDigests&&) noexcept;
    ~InputDigests();

    /// What stands at each of these paths (relative to the root, clean, in any order, any bytes).
    /// Symlinks are not followed, also not on the way: a path behind one that leads out of the root
    /// is Kind::missing. A directory is told as one, without what is in it. One that was looked at
    /// before is looked at anew.
    /// Errors: permission_denied, io (a file cannot be read; the first in order).
    Result<std::vector<DigestedPath>> look(const std::vector<std::string>& paths);

    /// Once that is true, looks end soon with an error. It must live as long as looks; null: it is
    /// never so.
    void stop_when(const std::atomic<bool>* stop) noexcept;

    /// Only their marks, nothing is read: as quick as stat is.
    std::vector<FileMark> marks(const std::vector<std::string>& paths) const;

    /// How many files have been read since `open`.
    std::uint64_t files_read() const noexcept;

    /// Writes the notes where something has changed, by rename. Errors: io, permission_denied.
    Result<> save();

private:
    struct State;
    explicit InputDigests(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace slipway::core
