#include "store/aside_hasher.hpp"

#include <system_error>

namespace slipway::store {

namespace {

// A thread costs as much as the hash of about so much.
constexpr std::uint64_t worth_a_thread = 1U << 20U;
constexpr std::size_t worth_a_turn = std::size_t{64} << 10U;

} // namespace

void AsideHasher::add(std::string_view bytes)
{
    wait();
    seen_ += bytes.size();
    if (bytes.size() < worth_a_turn || seen_ < worth_a_thread) {
        hasher_.add(bytes);
        return;
    }
    if (!thread_.joinable()) {
        try {
            thread_ = std::thread([this] { work(); });
        } catch (const std::system_error&) { // there may be too many
            hasher_.add(bytes);
            return;
        }
    }
    const std::scoped_lock lock(mutex_);
    piece_ = bytes;
    busy_ = true;
    changed_.notify_all();
}

void AsideHasher::wait()
{
    if (!thread_.joinable()) return;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !busy_; });
}

core::Sha256 AsideHasher::finish()
{
    wait();
    return hasher_.finish();
}

void AsideHasher::work()
{
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return busy_ || ends_; });
        if (!busy_) return;
        lock.unlock();
        hasher_.add(piece_);
        lock.lock();
        busy_ = false;
        changed_.notify_all();
    }
}

void AsideHasher::end()
{
    if (!thread_.joinable()) return;
    {
        const std::scoped_lock lock(mutex_);
        ends_ = true;
        changed_.notify_all();
    }
    thread_.join();
}

} // namespace slipway::store
