#include "job_input.hpp"

#include <sys/epoll.h>

#include <cerrno>
#include <utility>

namespace slipway::agent {

namespace {

constexpr std::uint32_t first_window = 65'536;
/// What may wait for a job to read it.
constexpr std::uint32_t most = std::uint32_t{1} << 20;

} // namespace

void JobInput::open(Loop& loop, Fd pipe, bool is_terminal, Grant grant)
{
    pipe_ = std::move(pipe);
    is_terminal_ = is_terminal;
    grant_ = std::move(grant);
    allowed_ = first_window;
    watch_ = Watch(loop, pipe_.get(), [this](std::uint32_t) { write(); });
}

void JobInput::started()
{
    if (grant_) grant(most - first_window);
}

bool JobInput::take(std::string_view bytes)
{
    if (bytes.empty()) {
        ends_ = true;
        write();
        return true;
    }
    if (bytes.size() > allowed_ || ends_) return false;
    allowed_ -= bytes.size();
    if (!pipe_) { // nobody reads it any more
        consumed(bytes.size());
        return true;
    }
    if (waiting_.empty()) {
        const ssize_t put = ::write(pipe_.get(), bytes.data(), bytes.size());
        if (put > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(put));
            consumed(static_cast<std::size_t>(put));
        }
    }
    if (written_ >= most / 4) waiting_.erase(0, std::exchange(written_, 0));
    waiting_ += bytes;
    write();
    return true;
}

void JobInput::write()
{
    while (pipe_ && written_ < waiting_.size()) {
        const ssize_t put =
            ::write(pipe_.get(), waiting_.data() + written_, waiting_.size() - written_);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0 && errno == EAGAIN) {
            watch_.want(EPOLLOUT);
            return;
        }
        if (put < 0) {
            consumed(waiting_.size() - written_);
            end();
            return;
        }
        written_ += static_cast<std::size_t>(put);
        consumed(static_cast<std::size_t>(put));
    }
    waiting_.clear();
    written_ = 0;
    watch_.want(0);
    if (ends_ && pipe_ && is_terminal_) {
        // It cannot be closed alone: the program is told as a person would.
        const char end_of_file = 4;
        ends_ = false;
        [[maybe_unused]] const ssize_t put = ::write(pipe_.get(), &end_of_file, 1);
    } else if (ends_) {
        end();
    }
}

void JobInput::end()
{
    watch_ = Watch();
    pipe_.close();
    waiting_.clear();
    written_ = 0;
}

void JobInput::consumed(std::size_t bytes)
{
    consumed_ += bytes;
    if (consumed_ < most / 4 || ends_) return;
    if (grant(static_cast<std::uint32_t>(consumed_))) consumed_ = 0;
}

bool JobInput::grant(std::uint32_t more)
{
    const bool told = grant_ && grant_(more);
    if (told) allowed_ += more;
    return told;
}

} // namespace slipway::agent
