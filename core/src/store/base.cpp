#include "store/base.hpp"

#include "archive/posix.hpp"
#include "store/clock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace slipway::store {

namespace posix = core::posix;

TempFile::TempFile(TempFile&& other) noexcept
    : top_(other.top_), name_(std::exchange(other.name_, {})), fd_(std::move(other.fd_))
{
}

TempFile& TempFile::operator=(TempFile&& other) noexcept
{
    std::swap(top_, other.top_);
    std::swap(name_, other.name_);
    std::swap(fd_, other.fd_);
    return *this;
}

TempFile::~TempFile()
{
    if (!name_.empty()) ::unlinkat(top_, name_.c_str(), 0);
}

Result<> TempFile::write(std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd_.get(), bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return fail(posix::error(errno, "writing", name_));
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return ok();
}

Result<> Base::need_writable() const
{
    if (writable_) return ok();
    Error error(
        Errc::unsupported,
        "the store " + posix::printable(directory_.native()) + " may only be read"
    );
    error.hint = "make it writable, or use another directory for the store";
    return fail(std::move(error));
}

std::string Base::shown(std::string_view name) const
{
    return posix::join(directory_.native(), name);
}

Result<Fd> Base::lock(Lock how) const
{
    // A description of its own: threads of one process lock as those of several do.
    Fd fd(::openat(top(), lock_name, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!fd) return fail(posix::error(errno, "opening", shown(lock_name)));
    while (::flock(fd.get(), how == Lock::shared ? LOCK_SH : LOCK_EX) != 0) {
        if (errno != EINTR) return fail(posix::error(errno, "locking", shown(lock_name)));
    }
    return fd;
}

Result<TempFile> Base::temp()
{
    CHECK_OK(need_writable());
    CHECK_OK(take_lease());
    std::string name = std::string(tmp_name) + "/" + lease_.name() + "." + std::to_string(temps_++);
    constexpr int how = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
    Fd fd(::openat(top(), name.c_str(), how, 0444));
    if (!fd && errno == ENOENT && ::mkdirat(top(), tmp_name, 0777) == 0) {
        fd = Fd(::openat(top(), name.c_str(), how, 0444));
    }
    if (!fd) return fail(posix::error(errno, "making", shown(name)));
    return TempFile(top(), std::move(name), std::move(fd));
}

Result<> Base::publish_locked(TempFile file, const std::string& name)
{
    const std::int64_t now = now_ns();
    used_ = true;
    if (!lease_.covers(now)) lease_.lower(now);
    const std::array<timespec, 2> times{posix::to_timespec(now), posix::to_timespec(now)};
    ::futimens(file.fd(), times.data());
    // Some file systems tell only now that there was no room.
    if (const int failed = file.fd_.close(); failed != 0) {
        return fail(posix::error(failed, "writing", shown(file.name_)));
    }
    const char* const from = file.name_.c_str();
    int failed = ::renameat(top(), from, top(), name.c_str()) == 0 ? 0 : errno;
    if (failed == ENOENT) {
        for (std::size_t slash = name.find('/'); slash != std::string::npos;
             slash = name.find('/', slash + 1)) {
            if (::mkdirat(top(), name.substr(0, slash).c_str(), 0777) != 0 && errno != EEXIST) {
                return fail(posix::error(errno, "making", shown(name.substr(0, slash))));
            }
        }
        failed = ::renameat(top(), from, top(), name.c_str()) == 0 ? 0 : errno;
    }
    if (failed != 0) return fail(posix::error(failed, "making", shown(name)));
    file.name_.clear();
    return ok();
}

Result<> Base::publish(TempFile file, const std::string& name)
{
    TRY(const Fd locked, lock(Lock::shared));
    return publish_locked(std::move(file), name);
}

Result<> Base::write(const std::string& name, std::string_view bytes)
{
    TRY(TempFile file, temp());
    CHECK_OK(file.write(bytes));
    return publish(std::move(file), name);
}

bool Base::use(const std::string& name, std::int64_t mtime_ns)
{
    if (!writable_) return true;
    used_ = true;
    const std::int64_t now = now_ns();
    const bool fresh = mtime_ns >= now - fresh_ns && mtime_ns <= now + fresh_ns;
    if (fresh && lease_.covers(now)) return true;
    const auto locked = lock(Lock::shared);
    // Without the lock it could go at any moment.
    return locked && stamp_locked(name);
}

bool Base::stamp_locked(const std::string& name)
{
    const std::int64_t now = now_ns();
    used_ = true;
    if (!lease_.covers(now)) lease_.lower(now);
    const std::array<timespec, 2> times{posix::to_timespec(now), posix::to_timespec(now)};
    return ::utimensat(top(), name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0
           || errno != ENOENT;
}

void Base::drop(const std::string& name, const struct stat& seen) const
{
    if (!writable_) return;
    const auto locked = lock(Lock::exclusive);
    struct stat now {};
    if (!locked || ::fstatat(top(), name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (now.st_ino == seen.st_ino && now.st_dev == seen.st_dev) {
        ::unlinkat(top(), name.c_str(), 0);
    }
}

Result<Leases> Base::clear_dead() const
{
    // Files first: an owner has its lease before it has files.
    std::vector<std::string> files;
    if (Fd tmp(::openat(top(), tmp_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)); tmp) {
        TRY(files, posix::names_in(std::move(tmp), shown(tmp_name)));
    }
    TRY(Leases living,
        living_leases(top(), lease_, writable_ ? LeaseCare::clear : LeaseCare::look));
    if (!writable_) return living;
    for (const std::string& file : files) {
        const std::string_view owner = std::string_view(file).substr(0, file.rfind('.'));
        if (owner == lease_.name() || living.names.contains(owner)) continue;
        ::unlinkat(top(), (std::string(tmp_name) + "/" + file).c_str(), 0);
    }
    return living;
}

} // namespace slipway::store
