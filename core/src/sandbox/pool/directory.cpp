#include "sandbox/pool/directory.hpp"

#include "sandbox/process_mark.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <utility>

namespace slipway::core {

std::string_view name(Road road) noexcept
{
    switch (road) {
    case Road::socket:
        return "socket";
    case Road::attach:
        return "attach";
    case Road::bridge:
        return "bridge";
    case Road::exec:
        return "exec";
    }
    return {};
}

} // namespace slipway::core

namespace slipway::core::pool {

namespace fs = std::filesystem;

namespace {

constexpr mode_t private_mode = 0700;
// Of somebody who looks who has an entry; he may have lost the processor just then.
constexpr std::chrono::milliseconds longest_look{200};

fs::path usual_base()
{
    const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
    if (runtime != nullptr && *runtime == '/' && ::access(runtime, W_OK | X_OK) == 0) {
        return fs::path(runtime) / "slipway";
    }
    return "/tmp/slipway-" + std::to_string(::geteuid());
}

fs::path pools(const fs::path& base)
{
    return base / "pools";
}

// Where somebody else could put files, a sandbox of theirs could be taken for one of ours.
Result<> check_private(const fs::path& directory)
{
    struct stat status {};
    if (::lstat(directory.c_str(), &status) != 0) {
        return fail(posix::error(errno, "looking at", directory.string()));
    }
    if (S_ISDIR(status.st_mode) && status.st_uid == ::geteuid()
        && (status.st_mode & (S_IRWXG | S_IRWXO)) == 0) {
        return ok();
    }
    Error error(Errc::permission_denied, directory.string() + " is not a directory of yours alone");
    error.hint = "remove it, or set XDG_RUNTIME_DIR to a directory that is yours";
    return fail(std::move(error));
}

std::vector<fs::path> listing(const fs::path& directory)
{
    std::vector<fs::path> found;
    std::error_code failed;
    fs::directory_iterator entry(directory, failed);
    for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
        found.push_back(entry->path());
    }
    return found;
}

posix::Fd open_directory(const fs::path& directory)
{
    return posix::Fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// False when somebody else has it. Where a shared lock can be had, somebody only looks.
bool lock(int directory)
{
    const auto until = std::chrono::steady_clock::now() + longest_look;
    while (::flock(directory, LOCK_EX | LOCK_NB) != 0) {
        if (::flock(directory, LOCK_SH | LOCK_NB) != 0) return false;
        ::flock(directory, LOCK_UN);
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    return true;
}

std::vector<fs::path> last_used_first(const std::vector<fs::path>& directories)
{
    std::vector<std::pair<std::int64_t, fs::path>> order;
    for (const fs::path& directory : directories) {
        struct stat status {};
        if (::lstat(directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
            order.emplace_back(posix::mtime_ns(status), directory);
        }
    }
    std::sort(order.rbegin(), order.rend());
    std::vector<fs::path> sorted;
    sorted.reserve(order.size());
    for (auto& [when, directory] : order) {
        sorted.push_back(std::move(directory));
    }
    return sorted;
}

} // namespace

Result<fs::path> base_directory(const fs::path& wanted)
{
    const fs::path base = wanted.empty() ? usual_base() : wanted;
    for (const fs::path& directory : {base, pools(base), base / "engines"}) {
        if (::mkdir(directory.c_str(), private_mode) != 0 && errno != EEXIST) {
            return fail(posix::error(errno, "making", directory.string()));
        }
        if (directory == base) {
            CHECK_OK(check_private(base));
        }
    }
    return base;
}

std::string pool_mark(const fs::path& base)
{
    struct stat status {};
    if (::stat(base.c_str(), &status) != 0) return {};
    // The boot tells machines apart.
    const std::string mark = process_mark();
    return mark.substr(0, mark.find('/')) + "/" + std::to_string(::geteuid()) + "/"
           + std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

fs::path Entry::place(const fs::path& base, const std::string& key, const std::string& container)
{
    return pools(base) / key / container;
}

bool Entry::is_there(const fs::path& base, const std::string& key, const std::string& container)
{
    std::error_code failed;
    return fs::is_directory(place(base, key, container) / "agent", failed);
}

Result<Entry>
Entry::make(const fs::path& base, const std::string& key, const std::string& container)
{
    const fs::path pool = pools(base) / key;
    const fs::path directory = pool / container;
    int failed = 0;
    for (int tries = 0; tries < 10; ++tries) {
        // Until it is locked, somebody who makes room may take it for an old one and remove it, for
        // which he needs a moment.
        if (tries > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        ::mkdir(pool.c_str(), private_mode);
        ::mkdir(directory.c_str(), private_mode);
        auto taken = take(directory);
        const fs::path seen = directory / "agent";
        if (taken && ::mkdir(seen.c_str(), private_mode) == 0) return *std::move(taken);
        failed = errno;
    }
    return fail(posix::error(failed, "making", directory.string()));
}

std::optional<Entry> Entry::take(const fs::path& directory)
{
    posix::Fd fd = open_directory(directory);
    if (!fd || !lock(fd.get())) return std::nullopt;
    Entry entry(directory, std::move(fd));
    if (!entry.in_place()) return std::nullopt; // erased between open and lock
    return entry;
}

bool Entry::in_place() const noexcept
{
    struct stat held {};
    struct stat there {};
    return ::fstat(lock_.get(), &held) == 0 && ::lstat(directory_.c_str(), &there) == 0
           && held.st_ino == there.st_ino && held.st_dev == there.st_dev;
}

bool Entry::is_taken(const fs::path& directory)
{
    const posix::Fd fd = open_directory(directory);
    return fd && ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0;
}

std::optional<Road> Entry::road_in(const fs::path& directory)
{
    std::ifstream file(directory / "road");
    std::string word;
    file >> word;
    for (const Road road : {Road::socket, Road::attach, Road::bridge}) {
        if (word == name(road)) return road;
    }
    return std::nullopt;
}

Result<> Entry::set_road(Road road) const
{
    const fs::path path = directory_ / "road";
    std::ofstream file(path);
    file << name(road) << '\n';
    if (!file.flush()) return fail(posix::error(errno, "writing", path.string()));
    return ok();
}

void Entry::used() const noexcept
{
    ::futimens(lock_.get(), nullptr);
}

void Entry::erase() const noexcept
{
    if (!in_place()) return;
    std::error_code failed;
    fs::remove_all(directory_, failed);
    ::rmdir(directory_.parent_path().c_str()); // when it was the last
}

std::vector<fs::path> entries(const fs::path& base, std::string_view key)
{
    std::vector<fs::path> all;
    for (const fs::path& pool : listing(pools(base))) {
        if (!pool.filename().string().starts_with(key)) continue;
        for (fs::path& entry : listing(pool)) {
            all.push_back(std::move(entry));
        }
    }
    return last_used_first(all);
}

std::optional<posix::Fd> try_lock(const fs::path& base, const std::string& key)
{
    const fs::path path = base / "engines" / (key + ".lock");
    posix::Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        return std::nullopt;
    }
    return fd;
}

std::string recall(const fs::path& base, const std::string& key)
{
    std::ifstream file(base / "engines" / key);
    std::string text;
    std::getline(file, text);
    return text;
}

std::vector<std::string> remembered(const fs::path& base)
{
    std::vector<std::string> names;
    for (const fs::path& file : listing(base / "engines")) {
        names.push_back(file.filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

void remember(const fs::path& base, const std::string& key, const std::string& text)
{
    const fs::path path = base / "engines" / key;
    const fs::path fresh = path.string() + "." + std::to_string(::getpid());
    std::error_code failed;
    {
        std::ofstream file(fresh);
        file << text << '\n';
        if (!file.flush()) failed = std::make_error_code(std::errc::io_error);
    }
    if (!failed) fs::rename(fresh, path, failed);
    if (failed) fs::remove(fresh, failed);
}

void forget(const fs::path& base, const std::string& key)
{
    ::unlink((base / "engines" / key).c_str());
}

} // namespace slipway::core::pool
