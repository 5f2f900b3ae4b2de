#include "pieces.hpp"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace slipway::agent {

namespace {

constexpr int look_again_ms = 5;

std::string name_of(std::uint64_t piece)
{
    return std::to_string(piece);
}

bool say(std::string_view words)
{
    ssize_t put = 0;
    do {
        put = ::write(1, words.data(), words.size());
    } while (put < 0 && errno == EINTR);
    return put == static_cast<ssize_t>(words.size());
}

} // namespace

Pieces::~Pieces()
{
    if (!directory_) return;
    while (::unlinkat(directory_.get(), name_of(next_).c_str(), 0) == 0) {
        ++next_;
    }
    ::rmdir(path_.c_str());
}

bool Pieces::open(const std::string& place)
{
    std::string path = place + "/.slipway-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return false;
    path_ = path;
    directory_ = Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    events_ = Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (events_ && ::inotify_add_watch(events_.get(), path.c_str(), IN_CREATE) < 0) events_.reset();
    return directory_ && say(path + '\n');
}

ssize_t Pieces::read(char* room, std::size_t size)
{
    for (;;) {
        if (piece_) {
            const ssize_t got = ::read(piece_.get(), room, size);
            if (got < 0 && errno == EINTR) continue;
            if (got != 0) return got;
            piece_.reset();
            ::unlinkat(directory_.get(), name_of(next_++).c_str(), 0);
        }
        std::uint64_t count = 0;
        for (std::size_t i = counted_; i-- > 0;) {
            count = count << 8U | count_[i];
        }
        if (all_there_ && next_ >= count) return 0;
        if (is_whole(next_)) {
            const std::string name = name_of(next_);
            piece_ = Fd(::openat(
                directory_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
            ));
            if (!piece_) return -1;
        } else if (!wait()) {
            return -1;
        }
    }
}

/// An engine still changes owner and times of one that it has written, but not when it is at the
/// next.
bool Pieces::is_whole(std::uint64_t piece) const
{
    const std::string next = name_of(piece + 1);
    return all_there_
           || ::faccessat(directory_.get(), next.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool Pieces::wait()
{
    std::array<pollfd, 2> sources{pollfd{0, POLLIN, 0}, pollfd{events_.get(), POLLIN, 0}};
    const int ready = ::poll(sources.data(), sources.size(), events_ ? -1 : look_again_ms);
    if (ready < 0) return errno == EINTR;
    if (sources[1].revents != 0) {
        std::array<char, 4096> events{};
        while (::read(events_.get(), events.data(), events.size()) > 0) {
        }
    }
    return sources[0].revents == 0 || take_count();
}

bool Pieces::take_count()
{
    const ssize_t got = ::read(0, &count_[counted_], count_.size() - counted_);
    if (got < 0) return errno == EINTR;
    counted_ += static_cast<std::size_t>(got);
    all_there_ = counted_ == count_.size();
    if (got == 0) errno = EPIPE;
    return got > 0;
}

} // namespace slipway::agent
