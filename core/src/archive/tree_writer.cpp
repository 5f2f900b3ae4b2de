#include "archive/tree_writer.hpp"

#include "archive/content_hasher.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace slipway::core {

namespace {

#ifdef O_PATH
constexpr int search_flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
#else
constexpr int search_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
#endif
constexpr int list_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr int read_flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
constexpr std::size_t read_bytes = std::size_t{64} << 10;
constexpr std::size_t hole_bytes = 4096;

/// Sockets and devices do not.
bool travels(const struct stat& status)
{
    return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISLNK(status.st_mode)
           || S_ISFIFO(status.st_mode);
}

bool same_permissions(const ManifestEntry& a, const ManifestEntry& b)
{
    return (a.mode & posix::permission_bits) == (b.mode & posix::permission_bits);
}

/// Only the mtime: the atime is that of the writing.
std::array<timespec, 2> times(const ManifestEntry& meta)
{
    std::array<timespec, 2> out{};
    out[0].tv_nsec = UTIME_OMIT;
    out[1] = posix::to_timespec(meta.mtime_ns);
    return out;
}

bool is_zero(std::string_view bytes)
{
    return bytes.front() == '\0'
           && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

/// 0 or an errno.
int write_at(int file, std::uint64_t offset, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t put = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return errno;
        bytes.remove_prefix(static_cast<std::size_t>(put));
        offset += static_cast<std::uint64_t>(put);
    }
    return 0;
}

/// As `write_at`, but leaves aligned blocks of zeros unwritten; the file must be new.
int write_sparse(int file, std::uint64_t offset, std::string_view bytes)
{
    while (!bytes.empty()) {
        const auto next_block = [&](std::size_t at) {
            return std::min(bytes.size(), at + hole_bytes - (offset + at) % hole_bytes);
        };
        std::size_t hole = 0;
        while (hole < bytes.size()) {
            const std::size_t end = next_block(hole);
            if (!is_zero(bytes.substr(hole, end - hole))) break;
            hole = end;
        }
        std::size_t end = hole;
        while (end < bytes.size()) {
            const std::size_t next = next_block(end);
            if (next - end == hole_bytes && is_zero(bytes.substr(end, hole_bytes))) break;
            end = next;
        }
        if (const int number = write_at(file, offset + hole, bytes.substr(hole, end - hole))) {
            return number;
        }
        bytes.remove_prefix(end);
        offset += end;
    }
    return 0;
}

} // namespace

TreeWriter::Temporary::~Temporary()
{
    if (!name_.empty()) ::unlinkat(dir_.get(), name_.c_str(), 0);
}

int TreeWriter::Temporary::rename_to(std::string_view name)
{
    const int dir = dir_.get();
    if (::renameat(dir, name_.c_str(), dir, std::string(name).c_str()) != 0) return errno;
    // A rename onto another link of the same file does nothing and leaves both names.
    ::unlinkat(dir, name_.c_str(), 0);
    name_.clear();
    return 0;
}

TreeWriter::TreeWriter(posix::Fd top, std::string top_path)
    : top_(std::move(top)), top_path_(std::move(top_path)), random_(std::random_device{}())
{
}

Result<TreeWriter> TreeWriter::open(const std::string& top_path)
{
    // The caller names the top, so symlinks on the way to it are followed.
    posix::Fd top(::open(top_path.c_str(), search_flags & ~O_NOFOLLOW));
    if (!top) return fail(posix::error(errno, "opening the directory", top_path));
    return TreeWriter(std::move(top), top_path);
}

Error TreeWriter::error(int number, std::string_view attempt, std::string_view path) const
{
    return posix::error(number, attempt, shown(path));
}

Result<posix::Fd> TreeWriter::open_part(int dir, const std::string& path, Missing missing)
{
    const std::string name(posix::split(path).second);
    posix::Fd part(::openat(dir, name.c_str(), search_flags));
    if (!part && errno == ENOENT && missing == Missing::make) {
        if (::mkdirat(dir, name.c_str(), 0777) != 0) {
            return fail(error(errno, "making the directory", path));
        }
        part = posix::Fd(::openat(dir, name.c_str(), search_flags));
    }
    if (part) return part;
    const int number = errno;
    if (number != ENOTDIR && number != ELOOP) return fail(error(number, "opening", path));
    struct stat status {};
    const bool is_link =
        ::fstatat(dir, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
    Error out(
        Errc::conflict,
        "going into " + posix::printable(shown(path)) + ": it is "
            + (is_link ? "a symlink, and none is followed below the destination" : "not a directory"
            )
    );
    out.cause = std::error_code(number, std::generic_category());
    out.hint = "move it away, or leave what is below it out";
    return fail(std::move(out));
}

Result<int> TreeWriter::parent(const std::string& path, Missing missing)
{
    const std::string_view dir = posix::split(path).first;
    if (dir.empty()) return top_.get();
    if (last_ && last_path_ == dir) return last_.get();

    // Start from the last directory when it lies on the way.
    std::size_t done = 0;
    posix::Fd at;
    if (last_ && dir.size() > last_path_.size() && dir[last_path_.size()] == '/'
        && dir.starts_with(last_path_)) {
        done = last_path_.size() + 1;
        at = std::move(last_);
    }
    last_ = posix::Fd();
    while (done < dir.size()) {
        const std::size_t end = std::min(dir.find('/', done), dir.size());
        const int from = at ? at.get() : top_.get();
        TRY(posix::Fd next, open_part(from, std::string(dir.substr(0, end)), missing));
        at = std::move(next);
        done = end + 1;
    }
    last_path_ = dir;
    last_ = std::move(at);
    return last_.get();
}

Result<std::optional<struct stat>> TreeWriter::look(const std::string& path)
{
    const Result<int> dir = parent(path, Missing::fail);
    if (!dir) {
        if (dir.error().code == Errc::not_found) return std::nullopt;
        return fail(dir.error());
    }
    const std::string name(posix::split(path).second);
    struct stat status {};
    if (::fstatat(*dir, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return std::nullopt;
        return fail(error(errno, "looking at", path));
    }
    return status;
}

Result<ContentHash> TreeWriter::hash_file(const std::string& path, std::uint64_t size)
{
    TRY(const int dir, parent(path, Missing::fail));
    const std::string name(posix::split(path).second);
    const posix::Fd file(::openat(dir, name.c_str(), read_flags));
    if (!file) return fail(error(errno, "reading", path));
    ContentHasher hasher;
    std::vector<char> buffer(read_bytes);
    std::uint64_t done = 0;
    while (done < size) {
        const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(error(errno, "reading", path));
        if (got == 0) break;
        hasher.add(done, {buffer.data(), static_cast<std::size_t>(got)});
        done += static_cast<std::uint64_t>(got);
    }
    return hasher.finish(done);
}

Result<bool> TreeWriter::is_as_sent(const std::string& path, const ManifestEntry& sent)
{
    TRY(const auto found, look(path));
    if (!found || !travels(*found)) return false;
    const ManifestEntry now = posix::describe(*found);
    if (now.type != sent.type) return false;
    if (now.type == EntryType::directory) return true;
    if (now.mode != sent.mode || now.size != sent.size || now.mtime_ns != sent.mtime_ns) {
        return false;
    }
    const bool is_untouched = now.inode == sent.inode && now.ctime_ns == sent.ctime_ns;
    return is_untouched ? Result<bool>(true) : holds(path, sent);
}

Result<bool> TreeWriter::holds(const std::string& path, const ManifestEntry& meta)
{
    TRY(const auto found, look(path));
    if (!found || !travels(*found)) return false;
    const ManifestEntry now = posix::describe(*found);
    if (now.type != meta.type) return false;
    switch (now.type) {
    case EntryType::directory:
        return true;
    case EntryType::symlink: {
        TRY(const int dir, parent(path, Missing::fail));
        const std::string name(posix::split(path).second);
        TRY(const std::string target, posix::read_link(dir, name.c_str(), shown(path)));
        return target == meta.link_target;
    }
    case EntryType::fifo:
        return same_permissions(now, meta);
    case EntryType::file:
        break;
    }
    if (!same_permissions(now, meta) || now.size != meta.size) return false;
    TRY(const ContentHash content, hash_file(path, now.size));
    return content == meta.content;
}

Result<std::vector<std::string>> TreeWriter::list(const std::string& path)
{
    TRY(const int dir, parent(path, Missing::fail));
    const std::string name(posix::split(path).second);
    posix::Fd fd(::openat(dir, name.c_str(), list_flags));
    if (!fd) return fail(error(errno, "listing", path));
    return posix::names_in(std::move(fd), shown(path));
}

std::string TreeWriter::temporary_name()
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out = ".slipway-";
    std::uint64_t bits = random_();
    for (int i = 0; i < 16; ++i, bits >>= 4U) {
        out.push_back(digits[bits & 0xfU]);
    }
    return out;
}

template <class Make>
Result<int> TreeWriter::make_temporary(Temporary& temporary, const std::string& path, Make make)
{
    for (int tries = 0;; ++tries) {
        std::string name = temporary_name();
        const int made = make(name.c_str());
        if (made >= 0) {
            temporary.made(std::move(name));
            return made;
        }
        if (errno != EEXIST || tries == 100) return fail(error(errno, "writing", path));
    }
}

Result<TreeWriter::Temporary> TreeWriter::temporary_for(const std::string& path)
{
    TRY(const int dir, parent(path, Missing::make));
    // A descriptor of its own: that of `parent` goes with the next look at another directory.
    posix::Fd own(::openat(dir, ".", search_flags));
    if (!own) return fail(error(errno, "opening the directory of", path));
    return Temporary(std::move(own));
}

Result<> TreeWriter::write_bytes(
    int file, const std::string& path, const ManifestEntry& meta, const Bytes& bytes
)
{
    CHECK_OK(bytes([&](std::uint64_t offset, std::string_view piece) -> Result<> {
        if (const int number = write_sparse(file, offset, piece)) {
            return fail(error(number, "writing", path));
        }
        return ok();
    }));
    const auto times_of_file = times(meta);
    if (::ftruncate(file, static_cast<off_t>(meta.size)) != 0
        || ::fchmod(file, meta.mode & posix::permission_bits) != 0
        || ::futimens(file, times_of_file.data()) != 0) {
        return fail(error(errno, "writing", path));
    }
    return ok();
}

Result<TreeWriter::NewFile>
TreeWriter::write_file(const std::string& path, const ManifestEntry& meta, const Bytes& bytes)
{
    TRY(Temporary temporary, temporary_for(path));
    TRY(const int fd, make_temporary(temporary, path, [&](const char* name) {
            constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
            return ::openat(temporary.dir(), name, flags, 0600);
        }));
    posix::Fd file(fd);
    CHECK_OK(write_bytes(file.get(), path, meta, bytes));
    if (const int number = file.close()) return fail(error(number, "writing", path));
    return NewFile(path, std::move(temporary));
}

Result<> TreeWriter::put_file(NewFile file)
{
    if (const int number = file.temporary_.rename_to(posix::split(file.path_).second)) {
        return fail(error(number, "writing", file.path_));
    }
    return ok();
}

Result<> TreeWriter::put_symlink(const std::string& path, const ManifestEntry& meta)
{
    TRY(Temporary temporary, temporary_for(path));
    TRY([[maybe_unused]] const int made, make_temporary(temporary, path, [&](const char* name) {
            return ::symlinkat(meta.link_target.c_str(), temporary.dir(), name);
        }));
    const auto times_of_link = times(meta);
    if (::utimensat(temporary.dir(), temporary.name(), times_of_link.data(), AT_SYMLINK_NOFOLLOW)
        != 0) {
        return fail(error(errno, "making the symlink", path));
    }
    if (const int number = temporary.rename_to(posix::split(path).second)) {
        return fail(error(number, "making the symlink", path));
    }
    return ok();
}

Result<> TreeWriter::put_fifo(const std::string& path, const ManifestEntry& meta)
{
    TRY(Temporary temporary, temporary_for(path));
    const int dir = temporary.dir();
    TRY([[maybe_unused]] const int made, make_temporary(temporary, path, [&](const char* name) {
            return ::mkfifoat(dir, name, 0600);
        }));
    const auto times_of_fifo = times(meta);
    if (::fchmodat(dir, temporary.name(), meta.mode & posix::permission_bits, 0) != 0
        || ::utimensat(dir, temporary.name(), times_of_fifo.data(), AT_SYMLINK_NOFOLLOW) != 0) {
        return fail(error(errno, "making the fifo", path));
    }
    if (const int number = temporary.rename_to(posix::split(path).second)) {
        return fail(error(number, "making the fifo", path));
    }
    return ok();
}

Result<> TreeWriter::put_hard_link(const std::string& path, const std::string& target)
{
    TRY(Temporary temporary, temporary_for(path));
    TRY(const int target_dir, parent(target, Missing::fail));
    const std::string target_name(posix::split(target).second);
    TRY([[maybe_unused]] const int made, make_temporary(temporary, path, [&](const char* name) {
            return ::linkat(target_dir, target_name.c_str(), temporary.dir(), name, 0);
        }));
    if (const int number = temporary.rename_to(posix::split(path).second)) {
        return fail(error(number, "making the hard link", path));
    }
    return ok();
}

Result<bool> TreeWriter::put_directory(const std::string& path)
{
    TRY(const auto found, look(path));
    if (found && S_ISDIR(found->st_mode)) return false;
    if (found) {
        CHECK_OK(remove(path));
    }
    TRY(const int dir, parent(path, Missing::make));
    const std::string name(posix::split(path).second);
    if (::mkdirat(dir, name.c_str(), 0700) != 0) {
        return fail(error(errno, "making the directory", path));
    }
    return true;
}

Result<> TreeWriter::set_directory(const std::string& path, const ManifestEntry& meta, Mode mode)
{
    TRY(const int dir, parent(path, Missing::fail));
    const std::string name(posix::split(path).second);
    const posix::Fd fd(::openat(dir, name.c_str(), list_flags));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) {
        return fail(error(errno, "setting mode and time of", path));
    }
    const auto wanted = (meta.mode & posix::permission_bits)
                        | (status.st_mode & posix::mode_bits & ~posix::permission_bits);
    const auto times_of_directory = times(meta);
    if ((mode == Mode::set && ::fchmod(fd.get(), wanted) != 0)
        || ::futimens(fd.get(), times_of_directory.data()) != 0) {
        return fail(error(errno, "setting mode and time of", path));
    }
    return ok();
}

Result<bool> TreeWriter::remove_directory(const std::string& path)
{
    TRY(const int dir, parent(path, Missing::fail));
    const std::string name(posix::split(path).second);
    if (::unlinkat(dir, name.c_str(), AT_REMOVEDIR) != 0) {
        if (errno == ENOTEMPTY || errno == EEXIST) return false;
        return fail(error(errno, "removing the directory", path));
    }
    last_ = posix::Fd(); // it may be the one that went
    return true;
}

Result<> TreeWriter::remove(const std::string& path)
{
    TRY(const int dir, parent(path, Missing::fail));
    const std::string name(posix::split(path).second);
    if (::unlinkat(dir, name.c_str(), 0) != 0) return fail(error(errno, "removing", path));
    return ok();
}

} // namespace slipway::core
