#include "job_output.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace slipway::agent {

void JobOutput::open(Loop& loop, Fd pipe, std::uint64_t window, Loop::Handler ready)
{
    pipe_ = std::move(pipe);
    window_ = window;
    is_pipe_ = pipe_ && ::fcntl(pipe_.get(), F_GETPIPE_SZ) > 0;
    if (pipe_) watch_ = Watch(loop, pipe_.get(), std::move(ready));
}

void JobOutput::start()
{
    has_started_ = true;
    ask();
}

void JobOutput::forget_client()
{
    client_ = nullptr;
    ask();
}

void JobOutput::grant(std::uint64_t more)
{
    window_ += more;
    ask();
}

bool JobOutput::move()
{
    if (!pipe_) return false;
    if (!may_send()) {
        ask();
        return false;
    }
    static std::array<char, max_payload> buffer;
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(window_, buffer.size()));
    int ready = 0;
    if (is_pipe_ && ::ioctl(pipe_.get(), FIONREAD, &ready) == 0 && ready > 0) {
        const std::size_t size = std::min(most, static_cast<std::size_t>(ready));
        if (client_->send_from_pipe(type_, channel_, pipe_.get(), size)) {
            window_ -= size;
            ask();
            return true;
        }
    }
    const ssize_t got = ::read(pipe_.get(), buffer.data(), most);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got <= 0) { // a terminal that nobody has open any more gives EIO
        close();
        return false;
    }
    window_ -= static_cast<std::uint64_t>(got);
    client_->send_bytes(type_, channel_, {buffer.data(), static_cast<std::size_t>(got)});
    ask();
    return true;
}

void JobOutput::finish(bool drop)
{
    while (!drop && move()) {
    }
    if (!pipe_) return;
    int left = 0;
    const bool is_empty = ::ioctl(pipe_.get(), FIONREAD, &left) != 0 || left == 0;
    if (is_empty || drop) close();
}

void JobOutput::close()
{
    watch_ = Watch();
    pipe_.close();
}

void JobOutput::ask()
{
    watch_.want(has_started_ && may_send() ? static_cast<std::uint32_t>(EPOLLIN) : 0U);
}

} // namespace slipway::agent
