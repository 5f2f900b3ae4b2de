#pragma once

#include "descriptor.hpp"
#include "store/layout.hpp"
#include "store/lease.hpp"

#include <slipway/engine/result.hpp>

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>

namespace slipway::store {

class Base;

/// A file in tmp/, which goes with the object unless it was published.
class TempFile {
public:
    TempFile() = default;
    TempFile(int top, std::string name, Fd fd)
        : top_(top), name_(std::move(name)), fd_(std::move(fd))
    {
    }
    TempFile(TempFile&& other) noexcept;
    TempFile& operator=(TempFile&& other) noexcept;
    ~TempFile();

    explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
    int fd() const noexcept { return fd_.get(); }
    const std::string& name() const noexcept { return name_; }
    Result<> write(std::string_view bytes);

private:
    friend class Base;
    int top_ = -1;
    std::string name_;
    Fd fd_;
};

/// The store's directory: its format, the lock, this process's lease, files that come and go.
class Base {
public:
    Base() = default;
    Base(const Base&) = delete;
    Base& operator=(const Base&) = delete;
    ~Base() = default;

    /// Once. Errors: as Store::open.
    Result<> open(std::filesystem::path directory);

    int top() const noexcept { return top_.get(); }
    const std::filesystem::path& directory() const noexcept { return directory_; }
    bool writable() const noexcept { return writable_; }
    const Lease& lease() const noexcept { return lease_; }
    /// Whether something was used by this object.
    bool has_used() const noexcept { return used_; }
    /// Errors: unsupported.
    Result<> need_writable() const;
    /// For an error's text.
    std::string shown(std::string_view name) const;

    enum class Lock { shared, exclusive };
    /// Had as long as the result lives.
    Result<Fd> lock(Lock how) const;

    Result<TempFile> temp();
    /// Gives it its name; what had that is replaced. Stamped as used now.
    Result<> publish(TempFile file, const std::string& name);
    /// The same by who has the lock already.
    Result<> publish_locked(TempFile file, const std::string& name);
    /// A small file in one step.
    Result<> write(const std::string& name, std::string_view bytes);

    /// Counts a file with that mtime as used. False: it has gone meanwhile.
    bool use(const std::string& name, std::int64_t mtime_ns);
    /// The same by who has the lock already, and whatever its mtime is.
    bool stamp_locked(const std::string& name);

    /// Removes a file unless it was replaced since it was found damaged.
    void drop(const std::string& name, const struct stat& seen) const;

    /// Removes what dead processes have left. Returns the living ones.
    Result<Leases> clear_dead() const;

private:
    Result<> check_format();
    Result<> make_format();
    Result<> begin_writing();
    Result<> take_lease();

    std::filesystem::path directory_;
    Fd top_;
    bool writable_ = false;
    std::mutex lease_mutex_; ///< while it is taken
    Lease lease_;
    std::atomic<bool> used_{false};
    std::atomic<std::uint64_t> temps_{0};
};

} // namespace slipway::store
