#include "workspace/uplift.hpp"

#include "archive/posix.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <map>
#include <string_view>
#include <vector>

namespace slipway::core {

namespace {

constexpr int uplift_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/// What an uplift has put somewhere, and of what, so that the next one knows both again.
struct Put {
    std::uint64_t inode = 0;
    std::int64_t mtime_ns = 0;
    std::uint64_t of_inode = 0;
    std::int64_t of_ctime_ns = 0; // 0: of one file

    friend bool operator==(const Put&, const Put&) = default;
};
using Record = std::map<std::string, Put, std::less<>>;

// The last device whose file system had no clones: to try costs an inode each time.
std::atomic<dev_t>& device_without_clones()
{
    static std::atomic<dev_t> device = 0;
    return device;
}

std::string read_all(int directory, const std::string& name)
{
    constexpr std::size_t longest = 64U << 20;
    constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    const posix::Fd file(::openat(directory, name.c_str(), flags));
    std::string text;
    std::array<char, 65'536> piece{};
    while (file && text.size() < longest) {
        const ssize_t got = ::read(file.get(), piece.data(), piece.size());
        if (got <= 0) break;
        text.append(piece.data(), static_cast<std::size_t>(got));
    }
    return text;
}

// The four numbers and the path, with spaces between them, each ended by NUL. What makes no sense
// is passed over.
Record parse(std::string_view text)
{
    Record record;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\0'), text.size());
        const char* const last = text.data() + end;
        Put put;
        const char* at = text.data();
        const auto number = [&](auto& into) {
            const auto read = std::from_chars(at, last, into);
            const bool good = read.ec == std::errc() && read.ptr != last && *read.ptr == ' ';
            at = good ? read.ptr + 1 : last;
            return good;
        };
        if (number(put.inode) && number(put.mtime_ns) && number(put.of_inode)
            && number(put.of_ctime_ns)) {
            record.insert_or_assign(std::string(at, last), put);
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return record;
}

std::string text_of(const Record& record)
{
    std::string text;
    for (const auto& [path, put] : record) {
        text += fmt::format(
            "{} {} {} {} {}", put.inode, put.mtime_ns, put.of_inode, put.of_ctime_ns, path
        );
        text += '\0';
    }
    return text;
}

// A record that cannot be written costs the removal of what is no result any more.
void write_record(const UpliftPlaces& places, const std::string& text)
{
    const std::string fresh = places.record + ".new";
    ::unlinkat(places.records, fresh.c_str(), 0);
    constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    const posix::Fd file(::openat(places.records, fresh.c_str(), flags, 0666));
    const auto size = static_cast<ssize_t>(text.size());
    if (file && ::write(file.get(), text.data(), text.size()) == size) {
        ::renameat(places.records, fresh.c_str(), places.records, places.record.c_str());
    }
}

bool is_one_file(const struct stat& a, const struct stat& b)
{
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// A second name changes the ctime of both.
Put put_of(const struct stat& there, const struct stat& of)
{
    const std::int64_t ctime = posix::to_ns(of.st_ctim.tv_sec, of.st_ctim.tv_nsec);
    return {there.st_ino, posix::mtime_ns(there), of.st_ino, is_one_file(there, of) ? 0 : ctime};
}

std::string inode_text(int directory)
{
    struct stat status {};
    if (::fstat(directory, &status) != 0) return "0";
    return fmt::format("{:x}-{:x}", status.st_dev, status.st_ino);
}

class Uplift {
public:
    Uplift(const UpliftPlaces& places, const EntryFilter& is_result)
        : places_(&places),
          is_result_(&is_result),
          before_(parse(read_all(places.records, places.record)))
    {
    }

    Result<Uplifted> go()
    {
        if (places_->from >= 0) {
            posix::Fd from(::openat(places_->from, ".", uplift_flags));
            Place top;
            top.fd = posix::Fd(::openat(places_->to, ".", uplift_flags));
            auto done = directory(std::move(from), top);
            if (!done) { // what is there now is to be known again
                now_.merge(before_);
                write_record(*places_, text_of(now_));
                return fail(std::move(done).error());
            }
        }
        for (const auto& [path, put] : before_) {
            if (!now_.contains(path)) remove(path, put);
        }
        if (now_ != before_) write_record(*places_, text_of(now_));
        return std::move(done_);
    }

private:
    std::string shown(std::string_view path) const { return posix::join(places_->shown, path); }

    // A directory to put results into, made when the first one comes.
    struct Place {
        Place* above = nullptr;
        std::string path{};
        posix::Fd fd{};
    };

    // NOLINTNEXTLINE(misc-no-recursion)
    Result<> directory(posix::Fd from, Place& to)
    {
        const std::string& path = to.path;
        const int reading = ::fcntl(from.get(), F_DUPFD_CLOEXEC, 0);
        TRY(const auto names, posix::names_in(posix::Fd(reading), shown(path)));
        for (const std::string& name : names) {
            const std::string below = posix::join(path, name);
            struct stat status {};
            if (::fstatat(from.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
            if (S_ISDIR(status.st_mode)) {
                if (!(*is_result_)(below, EntryType::directory)) continue;
                posix::Fd next(::openat(from.get(), name.c_str(), uplift_flags));
                if (!next && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) continue;
                if (!next) return fail(posix::error(errno, "opening", shown(below)));
                Place place{&to, below};
                CHECK_OK(directory(std::move(next), place));
            } else if (S_ISREG(status.st_mode) || S_ISLNK(status.st_mode)) {
                const EntryType type =
                    S_ISREG(status.st_mode) ? EntryType::file : EntryType::symlink;
                if (!(*is_result_)(below, type)) continue;
                TRY(const int there, make(to));
                CHECK_OK(file(from.get(), there, name, below, status));
            }
        }
        return ok();
    }

    // NOLINTNEXTLINE(misc-no-recursion)
    Result<int> make(Place& place) const
    {
        if (place.fd) return place.fd.get();
        TRY(const int above, make(*place.above));
        const std::string name(posix::split(place.path).second);
        if (::mkdirat(above, name.c_str(), 0777) != 0 && errno != EEXIST) {
            return fail(posix::error(errno, "making", shown(place.path)));
        }
        place.fd = posix::Fd(::openat(above, name.c_str(), uplift_flags));
        if (place.fd) return place.fd.get();
        return fail(in_the_way(place.path));
    }

    Error in_the_way(const std::string& path) const
    {
        Error error(
            Errc::conflict,
            posix::printable(shown(path)) + " is in the way of a result of the build"
        );
        error.hint = "move it away";
        return error;
    }

    Result<> file(
        int from,
        int to,
        const std::string& name,
        const std::string& path,
        const struct stat& status
    )
    {
        struct stat there {};
        const bool is_there = ::fstatat(to, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0;
        if (is_there && S_ISDIR(there.st_mode)) return fail(in_the_way(path));
        const auto known = before_.find(path);
        const bool same =
            is_there
            && (is_one_file(status, there)
                || (known != before_.end() && known->second == put_of(there, status)));
        if (!same) {
            const char* const temporary = temporary_name_.c_str();
            ::unlinkat(to, temporary, 0);
            const int number = put(from, to, name, status);
            if (number == ENOENT) return ok(); // somebody has removed it just now
            if (number != 0 || ::renameat(to, temporary, to, name.c_str()) != 0) {
                const int refused = number != 0 ? number : errno;
                ::unlinkat(to, temporary, 0);
                return fail(posix::error(refused, "writing", shown(path)));
            }
            ::unlinkat(to, temporary, 0); // two names of one file: nothing was renamed
            done_.written.push_back(path);
            if (::fstatat(to, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) return ok();
        }
        now_.emplace(path, put_of(there, status));
        return ok();
    }

    // Under the temporary name; 0 or an errno.
    int put(int from, int to, const std::string& name, const struct stat& status) const
    {
        const bool may_clone = S_ISREG(status.st_mode) && status.st_dev != device_without_clones();
        if (may_clone && cloned(from, to, name, status, false)) return 0;
        if (S_ISREG(status.st_mode) && places_->copies) {
            return cloned(from, to, name, status, true) ? 0 : (errno != 0 ? errno : EIO);
        }
        if (::linkat(from, name.c_str(), to, temporary_name_.c_str(), 0) == 0) return 0;
        const int refused = errno;
        constexpr std::array no_links{EXDEV, EPERM, EMLINK, ENOSYS, EOPNOTSUPP};
        if (std::ranges::find(no_links, refused) == no_links.end()) return refused;
        if (S_ISLNK(status.st_mode)) return EXDEV;
        return cloned(from, to, name, status, true) ? 0 : (errno != 0 ? errno : EIO);
    }

    bool
    cloned(int from, int to, const std::string& name, const struct stat& status, bool by_copy) const
    {
        const posix::Fd source(
            ::openat(from, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        );
        struct stat opened {};
        if (!source || ::fstat(source.get(), &opened) != 0) return false;
        if (!S_ISREG(opened.st_mode)) {
            errno = ENOENT;
            return false;
        }
        constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
        const posix::Fd copy(::openat(to, temporary_name_.c_str(), flags, 0600));
        if (!copy) return false;
        const bool whole = by_copy ? copied(source.get(), copy.get())
                                   : ::ioctl(copy.get(), FICLONE, source.get()) == 0;
        const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
        if (whole && ::fchmod(copy.get(), status.st_mode & posix::mode_bits) == 0
            && ::futimens(copy.get(), times.data()) == 0) {
            return true;
        }
        const int number = errno;
        if (!by_copy && !whole && number == EOPNOTSUPP) device_without_clones() = opened.st_dev;
        ::unlinkat(to, temporary_name_.c_str(), 0);
        errno = number;
        return false;
    }

    static bool copied(int from, int to)
    {
        std::vector<char> piece(1U << 20);
        for (;;) {
            const ssize_t got = ::read(from, piece.data(), piece.size());
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return got == 0;
            for (ssize_t done = 0; done < got;) {
                const ssize_t put =
                    ::write(to, piece.data() + done, static_cast<std::size_t>(got - done));
                if (put < 0 && errno == EINTR) continue;
                if (put < 0) return false;
                done += put;
            }
        }
    }

    // With the directories that are empty then.
    void remove(const std::string& path, const Put& put)
    {
        std::vector<posix::Fd> way;
        std::vector<std::string> names;
        way.emplace_back(::openat(places_->to, ".", uplift_flags));
        std::string_view rest = path;
        for (;;) {
            const std::size_t slash = rest.find('/');
            names.emplace_back(rest.substr(0, slash));
            const std::string& name = names.back();
            if (name.empty() || name == "." || name == "..") return;
            if (slash == std::string_view::npos) break;
            way.emplace_back(::openat(way.back().get(), name.c_str(), uplift_flags));
            if (!way.back()) return;
            rest.remove_prefix(slash + 1);
        }
        struct stat there {};
        const int last = way.back().get();
        if (::fstatat(last, names.back().c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) return;
        if (there.st_ino != put.inode || posix::mtime_ns(there) != put.mtime_ns) return;
        if (::unlinkat(last, names.back().c_str(), 0) != 0) return;
        done_.removed.push_back(path);
        for (std::size_t i = way.size() - 1; i > 0; --i) {
            if (::unlinkat(way[i - 1].get(), names[i - 1].c_str(), AT_REMOVEDIR) != 0) return;
        }
    }

    const UpliftPlaces* places_;
    const EntryFilter* is_result_;
    /// Nobody else's at the same time, and the next uplift's, which removes what a killed one left.
    std::string temporary_name_ = ".slipway-uplift-" + inode_text(places_->records);
    Record before_;
    Record now_;
    Uplifted done_;
};

} // namespace

Result<Uplifted> uplift(const UpliftPlaces& places, const EntryFilter& is_result)
{
    return Uplift(places, is_result).go();
}

} // namespace slipway::core
