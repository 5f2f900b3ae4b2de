#include "server.hpp"

#include "connection.hpp"
#include "housekeeping.hpp"
#include "listener.hpp"
#include "sessions.hpp"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <list>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace slipway::agent {

namespace {

// All are blocked: a job that sends one to everybody does not end the agent with it.
Fd take_signals()
{
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    sigset_t wanted;
    ::sigemptyset(&wanted);
    for (const int number : {SIGCHLD, SIGTERM, SIGINT}) {
        ::signal(number, SIG_DFL);
        ::sigaddset(&wanted, number);
    }
    ::signal(SIGPIPE, SIG_IGN);
    Fd signals(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals) throw std::runtime_error(std::string("signalfd: ") + ::strerror(errno));
    return signals;
}

class Server {
public:
    explicit Server(const ServeOptions& options)
        : options_(&options),
          signals_(take_signals()),
          house_(options),
          sessions_(Sessions::Place{
              &loop_, &house_, signals_.get(), [this](Connection& connection) {
                  on_gone(connection);
              }})
    {
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);
        signals_watch_ = Watch(loop_, signals_.get(), [this](std::uint32_t) { on_signals(); });
        signals_watch_.want(EPOLLIN);
    }

    int run();

private:
    Connection::Handlers handlers();
    void on_signals();
    void on_gone(Connection& connection);
    int next_wait_ms() const;
    bool is_finished() const;
    /// Nobody can come any more.
    bool is_cut_off() const { return stdin_ended_ && !listener_; }

    const ServeOptions* options_;
    Loop loop_;
    Fd signals_;
    Watch signals_watch_;
    std::list<Connection> connections_;
    std::list<Connection> left_; ///< connections that go when the loop comes round
    Housekeeping house_;
    Sessions sessions_;
    std::optional<Listener> listener_;
    bool stopping_ = false;
    bool stdin_ended_ = false;
};

int Server::run()
{
    if (!options_->socket.empty()) {
        listener_.emplace(*options_, loop_, [this](Fd socket) {
            connections_.emplace_back(loop_, std::move(socket), handlers()).start();
        });
    }
    if (options_->stdio) connections_.emplace_back(loop_, 0, 1, handlers()).start();
    while (!is_finished()) {
        for (Connection& connection : connections_) {
            if (connection.has_waiting()) connection.flush();
        }
        sessions_.relieve();
        loop_.run_once(next_wait_ms());
        sessions_.on_time(Clock::now());
        if (is_cut_off()) sessions_.end_when_idle();
        sessions_.collect();
        left_.clear();
        if (listener_ && sessions_.free_since()) listener_->see_to_path();
    }
    for (Connection& connection : connections_) {
        connection.flush();
    }
    return 0;
}

Connection::Handlers Server::handlers()
{
    Connection::Handlers out;
    out.message = [this](Connection& from, const Message& message) {
        sessions_.on_message(from, message);
    };
    out.skipped = [this](Connection& from) { sessions_.on_skipped(from); };
    out.ended = [this](Connection& from) { on_gone(from); };
    return out;
}

void Server::on_signals()
{
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
        if (info.ssi_signo != SIGCHLD) stopping_ = true;
    }
    sessions_.on_child();
    if (stopping_) sessions_.end();
}

void Server::on_gone(Connection& connection)
{
    if (connection.is_shared()) {
        sessions_.forget_waiting(connection);
        stdin_ended_ = true;
        return; // its jobs go on, as long as the lease lasts
    }
    sessions_.on_gone(connection);
    const auto same = [&](const Connection& other) { return &other == &connection; };
    const auto found = std::find_if(connections_.begin(), connections_.end(), same);
    if (found == connections_.end()) return;
    connection.pause(); // what it has said beyond that is nobody's
    left_.splice(left_.end(), connections_, found);
}

int Server::next_wait_ms() const
{
    std::optional<Clock::time_point> next = sessions_.next_time();
    if (const auto since = sessions_.free_since()) {
        const auto end = *since + options_->idle;
        next = next ? std::min(*next, end) : end;
    }
    if (!next) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000'000));
}

bool Server::is_finished() const
{
    const auto since = sessions_.free_since();
    return since && (stopping_ || is_cut_off() || Clock::now() >= *since + options_->idle);
}

} // namespace

int serve(const ServeOptions& options)
{
    return Server(options).run();
}

} // namespace slipway::agent
