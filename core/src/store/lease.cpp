#include "store/lease.hpp"

#include "archive/posix.hpp"
#include "store/clock.hpp"
#include "store/layout.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace slipway::store {

namespace posix = core::posix;

namespace {

constexpr int lease_tries = 100;

std::string path_of_lease(const std::string& name)
{
    return std::string(uses_name) + "/" + name;
}

void stamp_lease(int fd, std::int64_t ns)
{
    const std::array<timespec, 2> times{posix::to_timespec(ns), posix::to_timespec(ns)};
    ::futimens(fd, times.data());
}

bool is_linked(int fd)
{
    struct stat status {};
    return ::fstat(fd, &status) == 0 && status.st_nlink > 0;
}

} // namespace

Lease::~Lease()
{
    if (taken()) ::unlinkat(top_, path_of_lease(name_).c_str(), 0);
}

Result<> Lease::take(int top)
{
    for (int i = 0; i < lease_tries; ++i) {
        std::uint64_t random = 0;
        if (::getrandom(&random, sizeof random, 0) != static_cast<ssize_t>(sizeof random)) {
            return fail(posix::error(errno, "reading", "random bytes"));
        }
        std::string name = fmt::format("{}-{:016x}", ::getpid(), random);
        const std::string path = path_of_lease(name);
        Fd fd(::openat(top, path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
        if (!fd && errno == EEXIST) continue;
        if (!fd) return fail(posix::error(errno, "making", path));
        // Before the lock is had somebody may take it for a dead one's, and remove it.
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
            const int why = errno;
            if (why == EWOULDBLOCK || why == EINTR) continue;
            ::unlinkat(top, path.c_str(), 0);
            return fail(posix::error(why, "locking", path));
        }
        if (!is_linked(fd.get())) continue;
        since_ = now_ns();
        stamp_lease(fd.get(), since_);
        top_ = top;
        fd_ = std::move(fd);
        name_ = std::move(name);
        taken_ = true;
        return ok();
    }
    return fail(Errc::io, "no lease could be taken in uses/");
}

void Lease::lower(std::int64_t now)
{
    const std::scoped_lock lock(mutex_);
    if (now >= since_) return;
    since_ = now;
    struct stat status {};
    // Who collects may have lowered it further.
    const bool known = taken() && ::fstat(fd_.get(), &status) == 0;
    if (known && posix::mtime_ns(status) > now) stamp_lease(fd_.get(), now);
}

Result<Leases> living_leases(int top, const Lease& own, LeaseCare care)
{
    Leases living;
    Fd uses(::openat(top, uses_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!uses && errno == ENOENT) return living;
    if (!uses) return fail(posix::error(errno, "opening", uses_name));
    TRY(const auto names, posix::names_in(std::move(uses), uses_name));
    for (const std::string& name : names) {
        if (name == own.name()) continue;
        const std::string path = path_of_lease(name);
        const Fd fd(::openat(top, path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        if (!fd && errno == ENOENT) continue;
        // What may not be looked at counts as living.
        if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) {
            if (care != LeaseCare::look && is_linked(fd.get())) ::unlinkat(top, path.c_str(), 0);
            continue;
        }
        const std::int64_t now = now_ns();
        std::int64_t since = 0;
        struct stat status {};
        if (fd && ::fstat(fd.get(), &status) == 0) since = posix::mtime_ns(status);
        if (since > now) {
            if (care == LeaseCare::lower) stamp_lease(fd.get(), now);
            since = now;
        }
        living.names.insert(name);
        living.oldest = living.oldest ? std::min(*living.oldest, since) : since;
    }
    return living;
}

} // namespace slipway::store
