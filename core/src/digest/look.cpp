#include "digest/look.hpp"

#include "archive/posix.hpp"
#include "digest/parallel.hpp"

#include <fcntl.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <limits>
#include <thread>
#include <unordered_map>

namespace slipway::core {

namespace {

constexpr std::uint32_t left_out = 0xffff'ffff;
constexpr std::size_t stats_at_once = 256;
constexpr std::size_t reads_at_once = 16;
constexpr std::size_t piece_bytes = std::size_t{128} << 10;
// Those that are read first, so that no thread is left with one at the end.
constexpr std::uint64_t large_file = std::uint64_t{4} << 20;
constexpr int most_readings = 5;
constexpr auto pause = std::chrono::milliseconds(5);

// More than the clock of a file system advances at once; of one that has whole seconds, two of
// them (FAT).
constexpr std::int64_t tick_ns = 50'000'000;
constexpr std::int64_t second_ns = 1'000'000'000;

DigestedPath::Kind kind_of_mode(mode_t mode)
{
    if (S_ISREG(mode)) return DigestedPath::Kind::file;
    if (S_ISDIR(mode)) return DigestedPath::Kind::directory;
    if (S_ISLNK(mode)) return DigestedPath::Kind::symlink;
    return DigestedPath::Kind::other;
}

void fill_from(DigestedPath& out, const struct stat& status)
{
    out.kind = kind_of_mode(status.st_mode);
    out.executable = S_ISREG(status.st_mode) && (status.st_mode & S_IXUSR) != 0;
    out.mark = mark_of_status(status);
}

// The directory of a path, "" for the root; nothing when the path has none below it.
std::optional<std::string_view> directory_part(std::string_view path)
{
    if (path.find('\0') != std::string_view::npos || path.starts_with('/')) return std::nullopt;
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) {
        return path == ".." ? std::nullopt : std::optional<std::string_view>("");
    }
    const std::string_view name = path.substr(slash + 1);
    if (name.empty() || name == "." || name == "..") return std::nullopt;
    return path.substr(0, slash);
}

} // namespace

std::int64_t look_time()
{
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return posix::to_ns(now.tv_sec, now.tv_nsec);
}

FileMark mark_of_status(const struct stat& status)
{
    FileMark mark;
    mark.device = status.st_dev;
    mark.inode = status.st_ino;
    mark.size = static_cast<std::uint64_t>(status.st_size);
    mark.mtime_ns = posix::mtime_ns(status);
    mark.ctime_ns = posix::to_ns(status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
    mark.mode = status.st_mode;
    return mark;
}

FileMark mark_of(const std::filesystem::path& path)
{
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 ? mark_of_status(status) : FileMark{};
}

bool mark_at(int directory, const char* name, FileMark& mark)
{
    struct stat status {};
    if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
        mark = mark_of_status(status);
        return true;
    }
    mark = {};
    return is_nothing(errno);
}

bool is_settled(const FileMark& mark, std::int64_t now) noexcept
{
    const bool coarse = mark.ctime_ns % second_ns == 0;
    const std::int64_t young = now - tick_ns - (coarse ? 2 * second_ns : 0);
    return mark.ctime_ns < young && mark.mtime_ns < young;
}

struct Look::Reader {
    Sha256Hasher hasher{};
    std::vector<char> buffer = std::vector<char>(piece_bytes);
};

Look::Look(const Below& below, const std::vector<std::string>& paths, const std::atomic<bool>* stop)
    : below_(below), paths_(paths), stop_(stop), found_(paths.size())
{
}

void Look::fail_at(std::size_t at, int error)
{
    const std::lock_guard held(failing_);
    if (error_ != 0 && failed_at_ < at) return;
    failed_at_ = at;
    error_ = error;
}

Result<> Look::result() const
{
    if (error_ == 0) return ok();
    if (error_ < 0) {
        Error error(Errc::io, posix::printable(paths_[failed_at_]) + " changes while it is read");
        error.hint = "what writes to it has to end before the build looks at it";
        return fail(std::move(error));
    }
    Error error = posix::error(error_, "cannot read", paths_[failed_at_]);
    if (error.code != Errc::permission_denied) error.code = Errc::io;
    return fail(std::move(error));
}

// By a sort that counts: paths of one directory stand together, in their order.
void Look::group()
{
    std::unordered_map<std::string_view, std::uint32_t> known;
    std::vector<std::uint32_t> ends;
    directory_of_.assign(paths_.size(), left_out);
    std::uint32_t current = left_out;
    for (std::size_t i = 0; i < paths_.size(); ++i) {
        const auto directory = directory_part(paths_[i]);
        if (!directory) continue;
        if (current == left_out || directories_[current] != *directory) {
            const auto next = static_cast<std::uint32_t>(directories_.size());
            const auto [place, is_new] = known.try_emplace(*directory, next);
            if (is_new) {
                directories_.push_back(*directory);
                ends.push_back(0);
            }
            current = place->second;
        }
        directory_of_[i] = current;
        ++ends[current];
    }
    std::uint32_t begin = 0;
    for (std::uint32_t& end : ends) {
        begin += std::exchange(end, begin);
    }
    order_.resize(begin);
    for (std::size_t i = 0; i < paths_.size(); ++i) {
        if (directory_of_[i] == left_out) continue;
        order_[ends[directory_of_[i]]++] = static_cast<std::uint32_t>(i);
    }
}

void Look::stat()
{
    group();
    in_parallel(order_.size(), stats_at_once, [this](std::size_t begin, std::size_t end) {
        stat_some(begin, end);
    });
}

void Look::stat_some(std::size_t begin, std::size_t end)
{
    std::string path;
    Fd directory;
    std::uint32_t current = left_out;
    int missing = 0;
    for (; begin < end; ++begin) {
        const std::size_t at = order_[begin];
        if (directory_of_[at] != current) {
            current = directory_of_[at];
            path = directories_[current];
            directory = path.empty() ? Fd() : below_.directory(path);
            missing = path.empty() || directory ? 0 : errno;
        }
        const std::size_t skip = path.empty() ? 0 : path.size() + 1;
        const int parent = path.empty() ? below_.root() : directory.get();
        const int error =
            missing != 0 ? missing : stat_one(parent, paths_[at].c_str() + skip, found_[at]);
        if (error != 0 && !is_nothing(error)) fail_at(at, error);
    }
}

// 0 or an errno; of a symlink its text too.
int Look::stat_one(int directory, const char* name, DigestedPath& out) const
{
    out = {};
    struct stat status {};
    // Of no name it is the directory itself; the flag costs more where there is one.
    const int flags = AT_SYMLINK_NOFOLLOW | (*name == '\0' ? AT_EMPTY_PATH : 0);
    if (::fstatat(directory, name, &status, flags) != 0) return errno;
    fill_from(out, status);
    if (out.kind != DigestedPath::Kind::symlink) return 0;
    std::array<char, PATH_MAX + 1> text{};
    const ssize_t size = ::readlinkat(directory, name, text.data(), text.size());
    if (size < 0 && errno == EINVAL) return stat_one(directory, name, out); // no longer one
    if (size < 0) {
        out = {};
        return errno;
    }
    out.digest = sha256({text.data(), static_cast<std::size_t>(size)});
    return 0;
}

int Look::stat_anew(std::size_t at)
{
    const std::string path(directories_[directory_of_[at]]);
    const Fd directory = path.empty() ? Fd() : below_.directory(path);
    if (!path.empty() && !directory) {
        found_[at] = {};
        return errno;
    }
    const std::size_t skip = path.empty() ? 0 : path.size() + 1;
    const int parent = path.empty() ? below_.root() : directory.get();
    return stat_one(parent, paths_[at].c_str() + skip, found_[at]);
}

// 0, an errno, or -1 when something else came there, or comes.
int Look::read_file(std::size_t at, Reader& reader)
{
    DigestedPath& out = found_[at];
    const Fd file = below_.file(paths_[at]);
    if (!file) return is_nothing(errno) || errno == ENXIO ? -1 : errno;
    struct stat before {};
    struct stat after {};
    if (::fstat(file.get(), &before) != 0) return errno;
    if (!S_ISREG(before.st_mode)) return -1;
    // Behind the size that was told there may be more: the end is where nothing comes.
    for (;;) {
        const ssize_t got = ::read(file.get(), reader.buffer.data(), reader.buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            const int error = errno;
            reader.hasher.finish();
            return error;
        }
        if (got == 0) break;
        if (stop_ != nullptr && *stop_) {
            reader.hasher.finish();
            return ECANCELED;
        }
        reader.hasher.add({reader.buffer.data(), static_cast<std::size_t>(got)});
    }
    out.digest = reader.hasher.finish();
    if (::fstat(file.get(), &after) != 0) return errno;
    fill_from(out, after);
    return mark_of_status(before) == out.mark ? 0 : -1;
}

int Look::read(std::size_t at, Reader& reader)
{
    for (int tries = 0; tries < most_readings; ++tries) {
        const int error = read_file(at, reader);
        if (error == 0) ++files_read_;
        if (error >= 0) return error;
        if (tries != 0) std::this_thread::sleep_for(pause * tries);
        const int gone = stat_anew(at);
        if (gone != 0 || found_[at].kind != DigestedPath::Kind::file) return gone;
    }
    return -1;
}

void Look::digest(Notes& notes)
{
    // Before anything is read: what changes from now on has another time than what is settled.
    const std::int64_t now = look_time();
    std::vector<Notes::Place> places(paths_.size());
    std::vector<std::uint32_t> unknown;
    for (std::size_t i = 0; i < paths_.size(); ++i) {
        DigestedPath& path = found_[i];
        places[i] = notes.find(paths_[i]);
        const bool noted = places[i] != Notes::nowhere;
        if (path.kind != DigestedPath::Kind::file) {
            if (noted) notes.forget(places[i]);
        } else if (noted && notes.at(places[i]).mark == path.mark && is_settled(path.mark, now)) {
            path.digest = notes.at(places[i]).digest;
        } else {
            unknown.push_back(static_cast<std::uint32_t>(i));
        }
    }
    std::stable_partition(unknown.begin(), unknown.end(), [&](std::uint32_t at) {
        return found_[at].mark.size >= large_file;
    });
    const std::size_t step = std::clamp<std::size_t>(unknown.size() / 64, 1, reads_at_once);
    in_parallel(unknown.size(), step, [&](std::size_t begin, std::size_t end) {
        thread_local Reader reader;
        for (; begin < end; ++begin) {
            const std::size_t at = unknown[begin];
            const int error = read(at, reader);
            if (error != 0) found_[at] = {};
            if (error != 0 && !is_nothing(error)) fail_at(at, error);
        }
    });
    for (const std::uint32_t at : unknown) {
        const DigestedPath& path = found_[at];
        if (path.kind == DigestedPath::Kind::file && is_settled(path.mark, now)) {
            notes.put(places[at], paths_[at], path.mark, path.digest);
        } else if (places[at] != Notes::nowhere) {
            notes.forget(places[at]);
        }
    }
}

} // namespace slipway::core
