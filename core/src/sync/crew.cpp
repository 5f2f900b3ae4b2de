#include "sync/crew.hpp"

#include <algorithm>
#include <system_error>

namespace slipway::sync {

namespace {

constexpr unsigned most = 8; // more of them wait for the disk, or for each other

} // namespace

Threads::Threads() : processors_(std::clamp(std::thread::hardware_concurrency(), 1U, most)) {}

void Threads::wait()
{
    std::unique_lock held(mutex_, std::adopt_lock);
    changed_.wait(held);
    held.release();
}

void Threads::call_for(std::size_t count, const std::function<void()>& work)
{
    while (helpers_.size() + 1 < processors_ && helpers_.size() < count) {
        try {
            helpers_.emplace_back(work);
        } catch (const std::system_error&) {
            return; // it goes without
        }
    }
}

void Threads::end()
{
    for (std::thread& helper : helpers_) {
        helper.join();
    }
    helpers_.clear();
}

} // namespace slipway::sync
