#pragma once

#include "descriptor.hpp"

#include <slipway/engine/result.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace slipway::store {

/// Shows other processes that this one uses the store: a locked file, which is as if gone as soon
/// as the process has ended, however it did.
class Lease {
public:
    Lease() = default;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();

    /// `top`: the store's directory, borrowed. Errors: those of POSIX.
    Result<> take(int top);
    bool taken() const noexcept { return taken_; }
    /// In uses/.
    const std::string& name() const noexcept { return name_; }

    /// Whether all that was used at `now` is known as in use; else `lower` is called first.
    bool covers(std::int64_t now) const noexcept { return now >= since_; }
    std::int64_t since() const noexcept { return since_; }
    /// The clock has jumped back. By who has the store's lock.
    void lower(std::int64_t now);

private:
    int top_ = -1;
    Fd fd_;
    std::string name_;
    std::atomic<bool> taken_{false};
    std::mutex mutex_;
    std::atomic<std::int64_t> since_{0};
};

/// Those of others.
struct Leases {
    std::set<std::string, std::less<>> names;
    std::optional<std::int64_t> oldest; ///< since when, at the latest now
};

enum class LeaseCare {
    look,  ///< nothing is changed
    clear, ///< those of dead processes are removed
    lower, ///< and those that begin in the future begin now. By who has the lock exclusively.
};

Result<Leases> living_leases(int top, const Lease& own, LeaseCare care);

} // namespace slipway::store
