#pragma once

#include <slipway/core/digest.hpp>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <thread>

namespace slipway::store {

/// Takes a SHA-256 while its caller does other work with the same bytes: by a thread as soon as
/// there is much.
class AsideHasher {
public:
    AsideHasher() = default;
    AsideHasher(const AsideHasher&) = delete;
    AsideHasher& operator=(const AsideHasher&) = delete;
    ~AsideHasher() { end(); }

    /// The bytes of the call before are done with when this returns; these ones are borrowed until
    /// the next call.
    void add(std::string_view bytes);
    /// Nothing is borrowed any more.
    void wait();
    core::Sha256 finish();

private:
    void work();
    void end();

    core::Sha256Hasher hasher_;
    std::uint64_t seen_ = 0;
    std::thread thread_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string_view piece_;
    bool busy_ = false;
    bool ends_ = false;
};

} // namespace slipway::store
