#include "connection.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <utility>

namespace slipway::agent {

namespace {

constexpr std::size_t read_bytes = std::size_t{256} << 10;
/// From here on a payload is not copied before it is sent.
constexpr std::size_t large_bytes = std::size_t{4} << 10;

/// What stands before and behind the payload of a frame.
std::pair<std::string, std::string>
around(Type type, std::uint32_t channel, std::size_t size, std::uint32_t tag)
{
    std::string head;
    append_message(head, type, channel, {}, tag);
    std::string tail = head.substr(head.size() - 4);
    head.resize(head.size() - 8);
    Writer writer(head);
    writer(static_cast<std::uint32_t>(size));
    return {std::move(head), std::move(tail)};
}

void set_nonblocking(int fd)
{
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

} // namespace

Connection::Connection(Loop& loop, Fd socket, Handlers handlers)
    : handlers_(std::move(handlers)),
      socket_(std::move(socket)),
      in_(socket_.get()),
      out_fd_(socket_.get()),
      in_watch_(loop, in_, [this](std::uint32_t events) { on_event(events); })
{
}

Connection::Connection(Loop& loop, int in, int out, Handlers handlers)
    : handlers_(std::move(handlers)),
      in_(in),
      out_fd_(out),
      in_watch_(loop, in, [this](std::uint32_t events) { on_event(events); }),
      out_watch_(loop, out, [this](std::uint32_t events) { on_event(events & ~EPOLLIN); })
{
}

void Connection::start()
{
    set_nonblocking(in_);
    set_nonblocking(out_fd_);
    ask();
}

void Connection::ask()
{
    was_crowded_ = was_crowded_ || is_crowded();
    const std::uint32_t in = paused_ || ended_ ? 0U : static_cast<std::uint32_t>(EPOLLIN);
    const std::uint32_t out = has_waiting() ? static_cast<std::uint32_t>(EPOLLOUT) : 0U;
    if (socket_) {
        in_watch_.want(in | out);
        return;
    }
    out_watch_.want(out);
    // A file, or /dev/null: nobody will ever say anything.
    if (!in_watch_.want(in) && !ended_) {
        ended_ = true;
        handlers_.ended(*this);
    }
}

void Connection::send_bytes(Type type, std::uint32_t channel, std::string_view bytes)
{
    if (bytes.size() < large_bytes) {
        append_message(out_, type, channel, bytes, reader_.tag());
        ask();
        return;
    }
    flush();
    auto [head, tail] = around(type, channel, bytes.size(), reader_.tag());
    std::size_t done = 0;
    if (!has_waiting()) {
        std::array<iovec, 3> parts{
            iovec{head.data(), head.size()},
            iovec{const_cast<char*>(bytes.data()), bytes.size()},
            iovec{tail.data(), tail.size()}};
        const ssize_t put = ::writev(out_fd_, parts.data(), parts.size());
        if (put > 0) done = static_cast<std::size_t>(put);
    }
    for (const std::string_view part : {std::string_view(head), bytes, std::string_view(tail)}) {
        const std::size_t here = std::min(done, part.size());
        out_ += part.substr(here);
        done -= here;
    }
    ask();
}

bool Connection::send_from_pipe(Type type, std::uint32_t channel, int pipe, std::size_t size)
{
    if (size < large_bytes) return false;
    flush();
    if (has_waiting()) return false;
    const auto [head, tail] = around(type, channel, size, reader_.tag());
    const ssize_t put = ::write(out_fd_, head.data(), head.size());
    if (put <= 0) return false;
    out_ = head.substr(static_cast<std::size_t>(put));
    while (out_.empty() && size > 0) {
        const ssize_t moved = ::splice(
            pipe, nullptr, out_fd_, nullptr, size, SPLICE_F_MOVE | SPLICE_F_MORE | SPLICE_F_NONBLOCK
        );
        if (moved < 0 && errno == EINTR) continue;
        if (moved <= 0) break;
        size -= static_cast<std::size_t>(moved);
    }
    // The frame has begun: what could not go out waits here.
    while (size > 0) {
        const std::size_t before = out_.size();
        out_.resize(before + size);
        const ssize_t got = ::read(pipe, &out_[before], size);
        if (got < 0 && errno == EINTR) {
            out_.resize(before);
            continue;
        }
        const std::size_t taken = got > 0 ? static_cast<std::size_t>(got) : 0;
        out_.resize(before + taken);
        if (taken == 0) break; // against what the caller said
        size -= taken;
    }
    out_ += tail;
    flush();
    return true;
}

void Connection::flush()
{
    while (has_waiting()) {
        const ssize_t put = ::write(out_fd_, out_.data() + sent_, waiting());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) {
            // Who does not read any more has left; reading tells.
            if (errno != EAGAIN) drop();
            break;
        }
        sent_ += static_cast<std::size_t>(put);
    }
    if (!has_waiting()) {
        out_.clear();
        sent_ = 0;
    } else if (sent_ > crowded_bytes) {
        out_.erase(0, std::exchange(sent_, 0));
    }
    ask();
}

void Connection::drop()
{
    out_.clear();
    sent_ = 0;
    ask();
}

void Connection::pause()
{
    paused_ = true;
    ask();
}

void Connection::resume()
{
    if (!std::exchange(paused_, false)) return;
    ask();
    deliver();
}

bool Connection::has_left() const
{
    if (ended_) return true;
    if (!socket_) return false;
    pollfd state{in_, POLLRDHUP, 0};
    return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void Connection::on_event(std::uint32_t events)
{
    if ((events & EPOLLOUT) != 0) flush();
    if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) {
        // On stdout alone it means that nobody reads.
        if ((events & EPOLLIN) == 0 && !socket_ && has_waiting()) drop();
        if (!paused_ && !ended_) read();
    }
}

void Connection::read()
{
    const std::span<char> room = reader_.room(read_bytes);
    const ssize_t got = ::read(in_, room.data(), room.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        ended_ = true;
        ask();
        handlers_.ended(*this);
        return;
    }
    reader_.filled(static_cast<std::size_t>(got));
    deliver();
}

void Connection::deliver()
{
    if (std::exchange(delivering_, true)) return;
    while (!paused_) {
        const auto message = reader_.next();
        if (reader_.skipped() > skipped_) handlers_.skipped(*this);
        skipped_ = reader_.skipped();
        if (!message) break;
        handlers_.message(*this, *message);
    }
    delivering_ = false;
}

} // namespace slipway::agent
