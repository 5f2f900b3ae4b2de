#pragma once

#include "descriptor.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

namespace slipway::agent {

/// epoll with a function for each descriptor. One thread.
class Loop {
public:
    using Handler = std::function<void(std::uint32_t events)>;

    Loop();

    /// Waits for events, `timeout_ms` at most (-1: for ever), and calls the handlers.
    void run_once(int timeout_ms);

private:
    friend class Watch;
    Fd epoll_;
    std::uint64_t last_ = 0;
    std::unordered_map<std::uint64_t, std::shared_ptr<Handler>> handlers_;
};

/// A descriptor's place in the loop; leaves with the object. The descriptor must outlive it.
class Watch {
public:
    Watch() = default;
    Watch(Loop& loop, int fd, Loop::Handler handler);
    Watch(Watch&& other) noexcept { swap(other); }
    Watch& operator=(Watch&& other) noexcept
    {
        swap(other);
        return *this;
    }
    ~Watch();

    /// The events that are wanted from now on; with none not even a hang-up is told. False: the
    /// descriptor is of a kind that is always ready.
    bool want(std::uint32_t events);

private:
    void swap(Watch& other) noexcept;

    Loop* loop_ = nullptr;
    int fd_ = -1;
    std::uint64_t id_ = 0;
    std::uint32_t wanted_ = 0;
};

} // namespace slipway::agent
