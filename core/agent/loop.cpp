#include "loop.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace slipway::agent {

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC))
{
    if (!epoll_) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

void Loop::run_once(int timeout_ms)
{
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout_ms);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        const auto found = handlers_.find(event.data.u64);
        if (found == handlers_.end()) continue; // left while the batch was worked off
        const auto handler = found->second;
        (*handler)(event.events);
    }
}

Watch::Watch(Loop& loop, int fd, Loop::Handler handler) : loop_(&loop), fd_(fd), id_(++loop.last_)
{
    loop.handlers_.emplace(id_, std::make_shared<Loop::Handler>(std::move(handler)));
}

Watch::~Watch()
{
    if (loop_ == nullptr) return;
    want(0);
    loop_->handlers_.erase(id_);
}

bool Watch::want(std::uint32_t events)
{
    if (loop_ == nullptr || events == wanted_) return true;
    epoll_event event{};
    event.events = events;
    event.data.u64 = id_;
    const int action = events == 0 ? EPOLL_CTL_DEL : wanted_ == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (::epoll_ctl(loop_->epoll_.get(), action, fd_, &event) != 0) return false;
    wanted_ = events;
    return true;
}

void Watch::swap(Watch& other) noexcept
{
    std::swap(loop_, other.loop_);
    std::swap(fd_, other.fd_);
    std::swap(id_, other.id_);
    std::swap(wanted_, other.wanted_);
}

} // namespace slipway::agent
