#include "server.hpp"

#include "connection.hpp"
#include "job.hpp"
#include "processes.hpp"
#include "scratch.hpp"
#include "version.hpp"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>

namespace slipway::agent {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds orphan_patience{2000};

std::runtime_error system_failure(const std::string& doing)
{
    return std::runtime_error(doing + ": " + ::strerror(errno));
}

class Server {
public:
    explicit Server(const ServeOptions& options) : options_(&options) {}
    ~Server()
    {
        if (listener_) ::unlink(options_->socket.c_str());
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    int run();

private:
    enum class Phase { free, session, ending };

    struct Waiting { ///< a hello that comes while the sandbox is made clean
        Connection* client;
        Hello hello;
    };

    // setting up
    void take_signals();
    void listen();
    void open_scratch();
    bool may_be_client(const Fd& socket) const;
    Connection::Handlers handlers();

    // events
    void on_signals();
    void on_accept();
    void on_message(Connection& from, const Message& message);
    void on_session_message(const Message& message);
    void on_hello(Connection& from, std::string_view payload);
    void on_run(std::uint32_t channel, std::string_view payload);
    bool on_job_message(Job& job, const Message& message);
    void on_gone(Connection& connection);
    void on_job_changed(Job& job);

    template <class F>
    void each_job(F&& action);

    // sessions
    void welcome(Connection& client, const Hello& hello);
    void end_session();
    void broken();
    void jobs_gone();
    void clean();
    void kill_orphans();
    std::string others_left() const;

    void reap();
    void on_time();
    int next_wait_ms() const;
    bool is_finished() const;

    const ServeOptions* options_;
    Loop loop_;
    Fd signals_;
    Watch signals_watch_;
    Fd listener_;
    Watch listener_watch_;
    std::list<Scratch> scratch_;

    std::list<Connection> connections_;
    std::list<Connection> left_; ///< connections that go when the loop comes round
    std::map<std::uint32_t, std::unique_ptr<Job>> jobs_;
    std::vector<std::unique_ptr<Job>> over_;

    Phase phase_ = Phase::free;
    Connection* client_ = nullptr; ///< of the session
    milliseconds lease_{0};
    Clock::time_point heard_; ///< the last message of the client
    Clock::time_point free_since_;
    bool reset_asked_ = false;
    std::optional<Waiting> waiting_;
    bool unclean_ = false;
    bool escaped_ = false; ///< a job's processes may have come to us, and are not known to be dead
    std::string reason_;
    std::uint64_t jobs_so_far_ = 0;
    bool stopping_ = false;
    bool stdin_ended_ = false;
};

int Server::run()
{
    take_signals();
    open_scratch();
    if (!options_->socket.empty()) listen();
    if (options_->stdio) connections_.emplace_back(loop_, 0, 1, handlers()).start();
    free_since_ = Clock::now();
    while (!is_finished()) {
        for (Connection& connection : connections_) {
            if (connection.has_waiting()) connection.flush();
        }
        loop_.run_once(next_wait_ms());
        on_time();
        over_.clear();
        left_.clear();
    }
    for (Connection& connection : connections_) {
        connection.flush();
    }
    return 0;
}

void Server::take_signals()
{
    // All are blocked: a job that sends one to everybody does not end the agent with it.
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
    signals_ = Fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_) throw system_failure("signalfd");
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    signals_watch_ = Watch(loop_, signals_.get(), [this](std::uint32_t) { on_signals(); });
    signals_watch_.want(EPOLLIN);
}

void Server::listen()
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
    if (owner && ::chown(path.c_str(), owner->uid, owner->gid) != 0) {
        throw system_failure("giving away " + path);
    }
    listener_ = std::move(socket);
    listener_watch_ = Watch(loop_, listener_.get(), [this](std::uint32_t) { on_accept(); });
    listener_watch_.want(EPOLLIN);
}

void Server::open_scratch()
{
    for (const std::string& path : options_->scratch) {
        // A new volume is root's, with a mode that suits nobody else.
        const auto& owner = options_->owner;
        if (owner
            && (::chown(path.c_str(), owner->uid, owner->gid) != 0
                || ::chmod(path.c_str(), S_ISVTX | 0777) != 0)) {
            throw system_failure("giving away " + path);
        }
        std::string error;
        scratch_.emplace_back(path, error);
        if (!error.empty()) throw std::runtime_error("--scratch " + error);
    }
}

// A process outside has no number in the sandbox.
bool Server::may_be_client(const Fd& socket) const
{
    if (::getpid() != 1) return true;
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    return peer.pid == 0 || (options_->bridge && peer.uid == 0);
}

Connection::Handlers Server::handlers()
{
    Connection::Handlers out;
    out.message = [this](Connection& from, const Message& message) { on_message(from, message); };
    out.skipped = [this](Connection& from) {
        if (&from == client_) broken();
    };
    out.drained = [this](Connection& from) {
        if (&from != client_) return;
        each_job([](Job& job) { job.resume(); });
    };
    out.ended = [this](Connection& from) { on_gone(from); };
    return out;
}

/// What is done to a job may end it, and others.
template <class F>
void Server::each_job(F&& action)
{
    std::vector<std::uint32_t> channels;
    for (const auto& [channel, job] : jobs_) {
        channels.push_back(channel);
    }
    for (const std::uint32_t channel : channels) {
        const auto found = jobs_.find(channel);
        if (found != jobs_.end()) action(*found->second);
    }
}

void Server::on_signals()
{
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
        if (info.ssi_signo != SIGCHLD) stopping_ = true;
    }
    reap();
    if (stopping_) {
        if (phase_ == Phase::session) end_session();
    }
}

void Server::reap()
{
    int status = 0;
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        if (!WIFSTOPPED(status)) continue;
        // A supervisor is nobody's to stop.
        for (const auto& [channel, job] : jobs_) {
            if (job->supervisor() == pid) ::kill(pid, SIGCONT);
        }
    }
}

void Server::on_accept()
{
    for (;;) {
        Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!socket) return;
        if (!may_be_client(socket)) continue;
        connections_.emplace_back(loop_, std::move(socket), handlers()).start();
    }
}

void Server::on_gone(Connection& connection)
{
    if (waiting_ && waiting_->client == &connection) waiting_.reset();
    if (connection.is_shared()) {
        stdin_ended_ = true;
        return; // its jobs go on, as long as the lease lasts
    }
    if (client_ == &connection) end_session();
    if (client_ == &connection) client_ = nullptr;
    const auto same = [&](const Connection& other) { return &other == &connection; };
    const auto found = std::find_if(connections_.begin(), connections_.end(), same);
    if (found == connections_.end()) return;
    connection.pause(); // what it has said beyond that is nobody's
    left_.splice(left_.end(), connections_, found);
}

void Server::on_message(Connection& from, const Message& message)
{
    if (message.type == Type::hello) return on_hello(from, message.payload);
    // What a session said that is over already.
    if (phase_ != Phase::session || &from != client_) return;
    heard_ = Clock::now();
    on_session_message(message);
}

void Server::on_hello(Connection& from, std::string_view payload)
{
    const auto hello = decode<Hello>(payload);
    if (!hello) return;
    if (phase_ == Phase::session && client_ == &from) end_session(); // its client is another now
    if (phase_ == Phase::session && client_->has_left()) {
        Connection& gone = *client_;
        on_gone(gone);
    }
    from.drop();
    if (hello->lowest > protocol_version || hello->highest < protocol_version) {
        Refused refused;
        refused.nonce = hello->nonce;
        from.send(Type::refused, 0, refused);
        return;
    }
    if (phase_ == Phase::session || waiting_) {
        Busy busy;
        busy.nonce = hello->nonce;
        const auto left = std::chrono::duration_cast<milliseconds>(heard_ + lease_ - Clock::now());
        busy.left_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(left.count(), 0));
        if (waiting_) busy.left_ms = waiting_->hello.lease_ms;
        from.send(Type::busy, 0, busy);
        return;
    }
    if (phase_ == Phase::ending) {
        waiting_ = Waiting{&from, *hello};
        from.pause();
        return;
    }
    welcome(from, *hello);
}

void Server::welcome(Connection& client, const Hello& hello)
{
    phase_ = Phase::session;
    client_ = &client;
    lease_ = milliseconds(hello.lease_ms);
    heard_ = Clock::now();
    reset_asked_ = false;
    Welcome welcome;
    welcome.nonce = hello.nonce;
    welcome.version = protocol_version;
    welcome.jobs = jobs_so_far_;
    welcome.unclean = unclean_;
    welcome.build = build_text;
    client.send(Type::welcome, 0, welcome);
}

void Server::on_session_message(const Message& message)
{
    if (message.channel == 0) {
        switch (message.type) {
        case Type::renew:
            return;
        case Type::bye:
            return end_session();
        case Type::reset:
            reset_asked_ = true;
            client_->pause();
            if (jobs_.empty()) return jobs_gone();
            return each_job([](Job& job) { job.abandon(); });
        default:
            return broken();
        }
    }
    if (message.type == Type::run) return on_run(message.channel, message.payload);
    const auto found = jobs_.find(message.channel);
    if (found == jobs_.end()) return; // it has ended meanwhile
    if (!on_job_message(*found->second, message)) broken();
}

void Server::on_run(std::uint32_t channel, std::string_view payload)
{
    if (jobs_.contains(channel)) return broken();
    const auto run = decode<Run>(payload);
    if (!run) {
        Failed failed;
        failed.step = static_cast<std::uint8_t>(Step::message);
        failed.text = "a message that is none";
        client_->send(Type::failed, channel, failed);
        return;
    }
    Job::Place place;
    place.loop = &loop_;
    place.client = client_;
    place.signals = signals_.get();
    place.changed = [this](Job& job) { on_job_changed(job); };
    auto job = std::make_unique<Job>(std::move(place), channel);
    if (!job->start(*run)) return;
    ++jobs_so_far_;
    jobs_.emplace(channel, std::move(job));
}

bool Server::on_job_message(Job& job, const Message& message)
{
    const auto with = [&]<class T>(T, auto&& action) {
        const auto fields = decode<T>(message.payload);
        if (!fields) return false;
        action(*fields);
        return true;
    };
    switch (message.type) {
    case Type::in:
        return job.on_in(message.payload);
    case Type::window: {
        const auto window = decode<Window>(message.payload);
        return window && job.on_window(*window);
    }
    case Type::resize:
        return with(Resize(), [&](const Resize& size) { job.on_resize(size); });
    case Type::signal:
        return with(Signal(), [&](const Signal& signal) { job.on_signal(signal); });
    case Type::cancel:
        return with(Cancel(), [&](const Cancel& cancel) { job.on_cancel(cancel); });
    default:
        return false;
    }
}

void Server::on_job_changed(Job& job)
{
    const auto found = jobs_.find(job.channel());
    if (found == jobs_.end() || found->second.get() != &job) return;
    escaped_ = escaped_ || job.may_have_orphans();
    over_.push_back(std::move(found->second));
    jobs_.erase(found);
    if (jobs_.empty() || escaped_) jobs_gone();
}

/// The session's jobs may be gone, and some of their processes may have become our children.
void Server::jobs_gone()
{
    if (escaped_) kill_orphans();
    if (!jobs_.empty()) return;
    if (phase_ == Phase::session && reset_asked_) {
        reset_asked_ = false;
        client_->flush();
        clean();
        ResetDone done;
        done.clean = !unclean_;
        done.reason = reason_;
        client_->send(Type::reset_done, 0, done);
        heard_ = Clock::now();
        client_->resume();
    } else if (phase_ == Phase::ending) {
        clean();
        phase_ = Phase::free;
        free_since_ = Clock::now();
        if (!waiting_) return;
        const Waiting next = *waiting_;
        waiting_.reset();
        if (next.client->has_left()) return on_gone(*next.client);
        welcome(*next.client, next.hello);
        next.client->resume();
    }
}

void Server::kill_orphans()
{
    std::set<pid_t> spared;
    for (const auto& [channel, job] : jobs_) {
        if (job->supervisor() > 0) spared.insert(job->supervisor());
    }
    const Killed killed = kill_descendants(spared, orphan_patience);
    reap();
    escaped_ = !killed.gone;
    unclean_ = true;
    reason_ = "a job's supervisor was killed";
}

void Server::end_session()
{
    if (phase_ != Phase::session) return;
    phase_ = Phase::ending;
    if (client_->is_shared()) client_->drop();
    client_ = nullptr;
    if (jobs_.empty()) return jobs_gone();
    each_job([](Job& job) {
        job.forget_client();
        job.abandon();
    });
}

void Server::broken()
{
    if (phase_ != Phase::session) return;
    Connection& client = *client_;
    end_session();
    if (!client.is_shared()) on_gone(client);
}

/// Nothing that the jobs started is left in a pid namespace of our own; those that came in from
/// outside have no parent here.
std::string Server::others_left() const
{
    if (::getpid() != 1) return escaped_ ? reason_ : std::string();
    for (const Process& process : list_processes()) {
        if (process.pid != 1 && process.parent != 0 && !process.is_dead) {
            return "process " + std::to_string(process.pid) + " (" + process.name + ") is left";
        }
    }
    return {};
}

// What jobs of root can spoil for those that follow.
std::string null_device_problem()
{
    struct stat status {};
    constexpr mode_t for_all = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
    const bool good = ::lstat("/dev/null", &status) == 0 && S_ISCHR(status.st_mode)
                      && status.st_rdev == makedev(1, 3) && (status.st_mode & for_all) == for_all;
    return good ? std::string() : "/dev/null is not what it was";
}

void Server::clean()
{
    const bool may_escape = escaped_;
    reason_ = others_left();
    if (!reason_.empty() && ::getpid() == 1) {
        kill_descendants({}, orphan_patience);
        reason_ = others_left();
    }
    escaped_ = may_escape && !reason_.empty();
    for (const Scratch& scratch : scratch_) {
        const std::string error = options_->keep ? std::string() : scratch.clear();
        if (!error.empty() && reason_.empty()) reason_ = "emptying " + error;
    }
    if (reason_.empty() && ::getpid() == 1) reason_ = null_device_problem();
    unclean_ = !reason_.empty();
}

void Server::on_time()
{
    const auto now = Clock::now();
    if (phase_ == Phase::session && !reset_asked_ && now >= heard_ + lease_) {
        Connection& client = *client_;
        end_session();
        // What it says from now on is about a session that is no more.
        if (!client.is_shared()) on_gone(client);
    }
    each_job([&](Job& job) { job.on_time(now); });
    if (stdin_ended_ && !listener_ && phase_ == Phase::session && jobs_.empty()) end_session();
}

int Server::next_wait_ms() const
{
    std::optional<Clock::time_point> next;
    const auto consider = [&](Clock::time_point time) {
        if (!next || time < *next) next = time;
    };
    if (phase_ == Phase::session) consider(heard_ + lease_);
    if (phase_ == Phase::free) consider(free_since_ + options_->idle);
    for (const auto& [channel, job] : jobs_) {
        if (const auto time = job->next_time()) consider(*time);
    }
    if (!next) return -1;
    const auto left = std::chrono::ceil<milliseconds>(*next - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000'000));
}

bool Server::is_finished() const
{
    if (phase_ != Phase::free) return false;
    return stopping_ || (stdin_ended_ && !listener_)
           || Clock::now() >= free_since_ + options_->idle;
}

} // namespace

int serve(const ServeOptions& options)
{
    return Server(options).run();
}

} // namespace slipway::agent
