#include "bridge.hpp"

#include "descriptor.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

namespace slipway::agent {

namespace {

/// One direction: what has been read and not yet written.
struct Way {
    int from;
    int to;
    std::vector<char> buffer = std::vector<char>(std::size_t{256} << 10);
    std::size_t begin = 0;
    std::size_t end = 0;
    bool at_end = false;

    bool is_full() const { return begin < end; }
    bool is_done() const { return at_end && !is_full(); }

    void read()
    {
        const ssize_t got = ::read(from, buffer.data(), buffer.size());
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        begin = 0;
        end = got > 0 ? static_cast<std::size_t>(got) : 0;
        at_end = got <= 0;
    }
    void write()
    {
        const ssize_t put = ::write(to, buffer.data() + begin, end - begin);
        if (put < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (put < 0) { // nobody reads: nothing more goes this way
            at_end = true;
            begin = end;
            return;
        }
        begin += static_cast<std::size_t>(put);
    }
};

/// A job of root could stop or kill another process of root's. Where there is no such user, or no
/// right to become one, it stays what it is.
void become_somebody_else()
{
    constexpr uid_t nobodys_id = 65'533;
    if (::geteuid() != 0) return;
    ::setgroups(0, nullptr);
    if (::setresgid(nobodys_id, nobodys_id, nobodys_id) != 0) return;
    if (::setresuid(nobodys_id, nobodys_id, nobodys_id) != 0) return;
    ::prctl(PR_SET_DUMPABLE, 1); // else its files in /proc are root's
}

} // namespace

int bridge(const char* path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string_view name = path;
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (name.size() >= sizeof address.sun_path) {
        std::fprintf(stderr, "slipway-agent: the path of the socket is too long: %s\n", path);
        return 1;
    }
    name.copy(address.sun_path, name.size());
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        std::fprintf(stderr, "slipway-agent: connecting to %s: %s\n", path, ::strerror(errno));
        return 1;
    }
    become_somebody_else(); // the agent has seen who connects
    ::signal(SIGPIPE, SIG_IGN);
    for (const int fd : {0, 1, socket.get()}) {
        ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    }
    Way in{0, socket.get()};
    Way out{socket.get(), 1};
    bool in_told = false;
    // The agent ends a session when its client has left, and then says nothing more.
    while (!out.is_done()) {
        if (in.is_done() && !in_told) {
            ::shutdown(socket.get(), SHUT_WR);
            in_told = true;
        }
        std::array<pollfd, 3> all{
            pollfd{in.is_full() || in.at_end ? -1 : in.from, POLLIN, 0},
            pollfd{out.is_full() ? out.to : -1, POLLOUT, 0},
            pollfd{socket.get(), 0, 0}};
        if (in.is_full()) all[2].events |= POLLOUT;
        if (!out.is_full()) all[2].events |= POLLIN;
        if (all[2].events == 0) all[2].fd = -1;
        if (::poll(all.data(), all.size(), -1) < 0 && errno != EINTR) return 1;
        if (all[0].revents != 0) in.read();
        if (all[1].revents != 0) out.write();
        if (in.is_full() && (all[2].revents & ~POLLIN) != 0) in.write();
        if (!out.is_full() && (all[2].revents & ~POLLOUT) != 0) out.read();
    }
    return 0;
}

} // namespace slipway::agent
