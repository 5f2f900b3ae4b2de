#include "descriptor.hpp"
#include "file_reader.hpp"
#include "tree_streams.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>

namespace slipway::agent {

namespace {

/// A file without a name, or with another one beside that which it will have; it goes unless it has
/// become that.
class Draft {
public:
    explicit Draft(std::string directory) : directory_(std::move(directory)) {}
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;
    ~Draft()
    {
        if (!path_.empty()) ::unlink(path_.c_str());
    }

    bool open()
    {
        const std::string place = directory_.empty() ? "." : directory_;
        file_ = Fd(::open(place.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600));
        if (file_) return true;
        // Not every file system has files without a name.
        return name_it([&](const char* path) {
            file_ = Fd(::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
            return file_.get() >= 0;
        });
    }
    bool write(std::string_view bytes) const
    {
        while (!bytes.empty()) {
            const ssize_t put = ::write(file_.get(), bytes.data(), bytes.size());
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(put));
        }
        return true;
    }
    bool become(const std::string& path, const TreeOrder& order)
    {
        if (::fchmod(file_.get(), order.mode & 07777) != 0) return false;
        if (order.has_mtime) {
            constexpr std::int64_t second = 1'000'000'000;
            std::int64_t seconds = order.mtime_ns / second;
            std::int64_t rest = order.mtime_ns % second;
            if (rest < 0) {
                --seconds;
                rest += second;
            }
            const timespec times[] = {{0, UTIME_OMIT}, {seconds, rest}};
            if (::futimens(file_.get(), times) != 0) return false;
        }
        if (path_.empty()) {
            const std::string nameless = "/proc/self/fd/" + std::to_string(file_.get());
            const bool named = name_it([&](const char* draft) {
                return ::linkat(AT_FDCWD, nameless.c_str(), AT_FDCWD, draft, AT_SYMLINK_FOLLOW)
                       == 0;
            });
            if (!named) return false;
        }
        if (::rename(path_.c_str(), path.c_str()) != 0) return false;
        path_.clear();
        return true;
    }

private:
    /// Tries names until there is one that nothing has.
    template <class Take>
    bool name_it(const Take& take)
    {
        for (int attempt = 0;; ++attempt) {
            std::string path = directory_ + ".slipway-" + std::to_string(::getpid()) + "-"
                               + std::to_string(attempt);
            if (take(path.c_str())) {
                path_ = std::move(path);
                return true;
            }
            if (errno != EEXIST) return false;
        }
    }

    std::string directory_; ///< with a slash at its end, or empty
    std::string path_;      ///< empty as long as it has no name
    Fd file_;
};

} // namespace

TreeEnd write_file(const Run& run)
{
    const std::string& path = run.argv.front();
    const std::size_t slash = path.rfind('/');
    const std::string directory = slash == std::string::npos ? "" : path.substr(0, slash + 1);
    if (path.empty() || path.back() == '/') {
        return complain(path, "it is not the name of a file", TreeEnd::refused);
    }
    struct stat there {};
    if (::lstat(path.c_str(), &there) == 0 && S_ISDIR(there.st_mode)) return complain(path, EISDIR);
    if (slash != std::string::npos && slash > 0) {
        if (const int error = make_directories(path.substr(0, slash))) return complain(path, error);
    }
    Draft draft(directory);
    if (!draft.open()) return complain(path, errno);
    TreeInput input(static_cast<Encoding>(run.tree.encoding));
    for (std::string_view bytes;;) {
        if (!input.read(bytes)) return complain(path, input.problem(), input.end());
        if (bytes.empty()) break;
        if (!draft.write(bytes)) return complain(path, errno);
    }
    return draft.become(path, run.tree) ? TreeEnd::done : complain(path, errno);
}

TreeEnd read_file(const Run& run)
{
    const std::string& path = run.argv.front();
    FileReader file(path);
    if (!file.is_open()) return file.end();
    TreeOutput output(static_cast<Encoding>(run.tree.encoding));
    const TreeEnd end = file.read_all([&](off_t, std::string_view bytes) {
        return output.write(bytes) ? TreeEnd::done : complain(path, errno);
    });
    if (end != TreeEnd::done) return end;
    return output.finish() ? TreeEnd::done : complain(path, errno);
}

} // namespace slipway::agent
