#pragma once

#include "sync/tree_scan.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace slipway::sync {

/// Threads that help while there is enough to do, at most as many as there are processors.
class Threads final : public Crew {
public:
    Threads();
    ~Threads() override { end(); }

    void lock() override { mutex_.lock(); }
    void unlock() override { mutex_.unlock(); }
    void wait() override;
    void wake() override { changed_.notify_all(); }
    void call_for(std::size_t count, const std::function<void()>& work) override;
    void end() override;

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::thread> helpers_;
    unsigned processors_;
};

} // namespace slipway::sync
