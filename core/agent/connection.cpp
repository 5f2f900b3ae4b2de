#include "connection.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace slipway::agent {

namespace {

constexpr std::size_t read_bytes = std::size_t{256} << 10;
/// Of stdin and stdout: in the usual 64 KiB no frame has room, and each side would often wait for
/// the other. What a user's pipes may have together is limited.
constexpr int pipe_bytes = 256 << 10;
/// From here on a payload is not copied before it is sent.
constexpr std::size_t large_bytes = std::size_t{4} << 10;
/// That wait for the message that they belong to.
constexpr std::size_t most_descriptors = 16;

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
    for (const int fd : {in_, out_fd_}) {
        set_nonblocking(fd);
        ::fcntl(fd, F_SETPIPE_SZ, pipe_bytes); // when it is one, and as far as it is allowed
    }
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
        size -= taken;
        if (taken > 0) continue;
        // Somebody else has read what stood there: the frame is as long as it said, all the same.
        out_.append(size, '\0');
        break;
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
    const ssize_t got = socket_ ? receive(room) : ::read(in_, room.data(), room.size());
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

ssize_t Connection::receive(std::span<char> room)
{
    alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> control{};
    iovec bytes{room.data(), room.size()};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(in_, &message, MSG_CMSG_CLOEXEC);
    if (got < 0) return got;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
            Fd came(fd);
            if (descriptors_.size() < most_descriptors) descriptors_.push_back(std::move(came));
        }
    }
    // One came for which there was no room.
    const bool is_lost = (message.msg_flags & MSG_CTRUNC) != 0;
    if (is_lost && descriptors_.size() < most_descriptors) descriptors_.emplace_back();
    return got;
}

std::optional<Fd> Connection::take_descriptor()
{
    if (descriptors_.empty()) return std::nullopt;
    Fd first = std::move(descriptors_.front());
    descriptors_.pop_front();
    return first;
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
