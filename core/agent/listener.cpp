#include "listener.hpp"

#include "processes.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace slipway::agent {

namespace {

std::runtime_error system_failure(const std::string& doing)
{
    return std::runtime_error(doing + ": " + ::strerror(errno));
}

} // namespace

Listener::Listener(const ServeOptions& options, Loop& loop, std::function<void(Fd)> accepted)
    : options_(&options), loop_(&loop), accepted_(std::move(accepted))
{
    listen();
}

void Listener::listen()
{
    const std::string& path = options_->socket;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        throw std::runtime_error("the path of the socket is too long: " + path);
    }
    path.copy(address.sun_path, path.size());
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) ::unlink(path.c_str());
    const mode_t mask = ::umask(0177);
    const int bound =
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::umask(mask);
    if (bound != 0 || ::listen(socket.get(), 64) != 0) throw system_failure("listening on " + path);
    const auto& owner = options_->owner;
    if (owner && ::lchown(path.c_str(), owner->uid, owner->gid) != 0) {
        throw system_failure("giving away " + path);
    }
    if (::lstat(path.c_str(), &status) != 0) throw system_failure("looking at " + path);
    place_ = {status.st_dev, status.st_ino};
    socket_ = std::move(socket);
    watch_ = Watch(*loop_, socket_.get(), [this](std::uint32_t) { on_accept(); });
    watch_.want(EPOLLIN);
}

void Listener::see_to_path()
{
    struct stat status {};
    const std::string& path = options_->socket;
    if (::lstat(path.c_str(), &status) == 0) {
        if (place_ == std::pair(status.st_dev, status.st_ino)) return;
        ::unlink(path.c_str());
    }
    try {
        listen();
    } catch (const std::runtime_error&) {
        // As a job has left it. Who comes by another way is still served.
    }
}

Listener::~Listener()
{
    ::unlink(options_->socket.c_str());
}

// A process outside has no number in the sandbox; a job has a parent there.
bool Listener::may_be_client(const Fd& socket) const
{
    if (::getpid() != 1) return true;
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    return peer.pid == 0 || (options_->bridge && peer.uid == 0 && is_visitor(peer.pid));
}

void Listener::on_accept()
{
    for (;;) {
        Fd socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!socket) return;
        if (may_be_client(socket)) accepted_(std::move(socket));
    }
}

} // namespace slipway::agent
