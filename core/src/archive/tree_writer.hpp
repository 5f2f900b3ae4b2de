#pragma once

#include "archive/posix.hpp"
#include "archive/tar_stream.hpp"

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::core {

/// Puts single entries into a tree it does not trust. All paths are clean and relative to the top.
///
/// Parents are opened part by part and never through a symlink; where a part is one, or is no
/// directory, the error is Errc::conflict. A file, symlink, fifo or hard link appears under its
/// name by a rename of what is whole; it replaces all but a directory. Blocking; one thread.
class TreeWriter {
public:
    /// `top` must be a directory; `top_path` is its name in messages. Errors: those of open(2).
    static Result<TreeWriter> open(const std::string& top_path);

    /// What stands at `path`; nothing when there is nothing. Follows no symlink.
    Result<std::optional<struct stat>> look(const std::string& path);
    /// Whether `path` is exactly `sent`; of a directory only that it is one. A file that has got
    /// another inode or ctime is read, since its size and mtime may have been set back.
    Result<bool> is_as_sent(const std::string& path, const ManifestEntry& sent);
    /// Whether `path` has the type, mode, bytes and link target of `meta`; of a directory only that
    /// it is one.
    Result<bool> holds(const std::string& path, const ManifestEntry& meta);
    /// The names in the directory `path`.
    Result<std::vector<std::string>> list(const std::string& path);

    /// A file that is whole, has its mode and mtime, and still a temporary name.
    class NewFile;
    /// Hands each piece of a file on, as TarStream::data does.
    using Bytes = std::function<Result<>(const TarStream::Piece& piece)>;
    Result<NewFile>
    write_file(const std::string& path, const ManifestEntry& meta, const Bytes& bytes);
    Result<> put_file(NewFile file);
    Result<> put_symlink(const std::string& path, const ManifestEntry& meta);
    Result<> put_fifo(const std::string& path, const ManifestEntry& meta);
    Result<> put_hard_link(const std::string& path, const std::string& target);
    /// Makes the directory or keeps the one there; true when it is new.
    Result<bool> put_directory(const std::string& path);

    enum class Mode { set, leave };
    /// Permissions and mtime of an existing directory; its setuid, setgid and sticky bits stay.
    Result<> set_directory(const std::string& path, const ManifestEntry& meta, Mode mode);

    /// False when the directory at `path` is not empty.
    Result<bool> remove_directory(const std::string& path);
    /// Removes what is at `path`, which is not a directory.
    Result<> remove(const std::string& path);

    /// The local path, for messages.
    std::string shown(std::string_view path) const { return posix::join(top_path_, path); }

private:
    class Temporary;
    enum class Missing { fail, make };

    TreeWriter(posix::Fd top, std::string top_path);

    /// A descriptor of the directory that holds `path`, valid until the next call.
    Result<int> parent(const std::string& path, Missing missing);
    Result<posix::Fd> open_part(int dir, const std::string& path, Missing missing);
    Error error(int number, std::string_view attempt, std::string_view path) const;
    std::string temporary_name();
    /// Calls `make(name)`, which returns -1 and sets errno, with fresh names until one is free.
    template <class Make>
    Result<int> make_temporary(Temporary& temporary, const std::string& path, Make make);
    /// A Temporary beside `path`, whose parents are made.
    Result<Temporary> temporary_for(const std::string& path);
    Result<>
    write_bytes(int file, const std::string& path, const ManifestEntry& meta, const Bytes& bytes);
    Result<ContentHash> hash_file(const std::string& path, std::uint64_t size);

    posix::Fd top_;
    std::string top_path_;
    posix::Fd last_;        ///< the directory that was used last
    std::string last_path_; ///< its path
    std::mt19937_64 random_;
};

/// The name and the directory of an entry that is being made; unlinked unless renamed.
class TreeWriter::Temporary {
public:
    explicit Temporary(posix::Fd dir) noexcept : dir_(std::move(dir)) {}
    Temporary(Temporary&& other) noexcept
        : dir_(std::move(other.dir_)), name_(std::exchange(other.name_, {}))
    {
    }
    Temporary& operator=(Temporary&&) = delete;
    ~Temporary();

    int dir() const noexcept { return dir_.get(); }
    const char* name() const noexcept { return name_.c_str(); }
    void made(std::string name) { name_ = std::move(name); }
    /// 0 or an errno.
    int rename_to(std::string_view name);

private:
    posix::Fd dir_;
    std::string name_;
};

class TreeWriter::NewFile {
public:
    NewFile(std::string path, Temporary temporary)
        : path_(std::move(path)), temporary_(std::move(temporary))
    {
    }

private:
    friend class TreeWriter;
    std::string path_;
    Temporary temporary_;
};

} // namespace slipway::core
