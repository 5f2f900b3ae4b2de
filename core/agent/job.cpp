#include "job.hpp"

#include "oom.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace slipway::agent {

namespace {

/// A supervisor that has not killed all after this time is given up.
constexpr std::chrono::seconds patience{10};

bool has_nul(const std::vector<std::string>& texts)
{
    return std::any_of(texts.begin(), texts.end(), [](const std::string& text) {
        return text.find('\0') != std::string::npos;
    });
}

} // namespace

Job::Job(Place place, std::uint32_t channel)
    : place_(std::move(place)),
      channel_(channel),
      out_(Type::out, place_.client, channel),
      err_(Type::err, place_.client, channel)
{
}

Job::~Job() = default;

bool Job::fail(Step step, int error, std::string_view text)
{
    Failed failed;
    failed.step = static_cast<std::uint8_t>(step);
    failed.error = static_cast<std::uint32_t>(error);
    failed.text = text;
    if (place_.client != nullptr) place_.client->send(Type::failed, channel_, failed);
    is_over_ = true;
    return false;
}

bool Job::start(const Run& run, Fd own_stream, int kept)
{
    if (run.argv.empty() || run.what > last_what || has_nul(run.argv) || has_nul(run.env)
        || run.cwd.find('\0') != std::string::npos) {
        return fail(Step::message, EINVAL, "no words to run, or a byte 0 in one");
    }
    const bool is_program = static_cast<What>(run.what) == What::program;
    if (run.own_stream && (is_program || run.terminal || run.has_in)) {
        return fail(Step::message, EINVAL, "a stream of its own is for files alone");
    }
    if (run.own_stream && !own_stream) {
        return fail(Step::process, EMFILE, "the agent has no descriptor left for its stream");
    }
    StreamEnds ends;
    ends.own = std::move(own_stream);
    std::array<int, 2> control{};
    if (!open_streams(run, ends)
        || ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control.data()) != 0) {
        const int error = errno;
        return fail(
            run.terminal ? Step::terminal : Step::process,
            error,
            run.terminal ? "no terminal could be made" : "no pipes could be made"
        );
    }
    control_ = Fd(control[0]);
    const Fd theirs(control[1]);
    kills_before_ = out_of_memory_kills();
    supervisor_ = ::fork();
    if (supervisor_ == 0) {
        JobStreams streams = ends.theirs();
        streams.kept = kept;
        supervise(run, streams, theirs.get(), place_.signals, ends.terminal.get());
    }
    if (supervisor_ < 0) {
        const int error = errno;
        supervisor_ = 0;
        return fail(Step::process, error, "no process could be made");
    }
    if (run.deadline_ms != 0) {
        constexpr std::uint64_t most = std::uint64_t{1} << 40;
        deadline_ = Clock::now() + std::chrono::milliseconds(std::min(run.deadline_ms, most));
    }
    ::fcntl(control_.get(), F_SETFL, ::fcntl(control_.get(), F_GETFL) | O_NONBLOCK);
    control_watch_ = Watch(*place_.loop, control_.get(), [this](std::uint32_t) { on_control(); });
    control_watch_.want(EPOLLIN);
    take_streams(run, ends);
    return true;
}

void Job::take_streams(const Run& run, StreamEnds& ends)
{
    terminal_ = std::move(ends.terminal);
    const auto open = [&](JobOutput& output, Fd& pipe) {
        const auto ready = [this, to = &output](std::uint32_t) {
            to->move();
            settle();
        };
        output.open(*place_.loop, std::move(pipe), run.window, ready);
    };
    open(out_, ends.out);
    open(err_, ends.err);
    if (!run.has_in) return;
    const auto grant = [this](std::uint32_t bytes) {
        if (ended_ || place_.client == nullptr) return false;
        Window more;
        more.stream = static_cast<std::uint8_t>(Stream::in);
        more.more = bytes;
        place_.client->send(Type::window, channel_, more);
        return true;
    };
    in_.open(*place_.loop, std::move(ends.in), run.terminal, grant);
}

void Job::on_control()
{
    for (;;) {
        Notice notice;
        const ssize_t got = ::recv(control_.get(), &notice, sizeof notice, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
        // It left without reading an order; what it said before comes next.
        if (got < 0 && errno == ECONNRESET) continue;
        if (got != sizeof notice) {
            supervisor_died();
            break;
        }
        on_notice(notice);
        if (ended_ || is_over_) break;
    }
    if (ended_ || is_over_) {
        control_watch_ = Watch();
        control_.close();
        supervisor_ = 0;
    }
    // Before the last of the output, of which there is no end as long as they live.
    if (ended_ && may_have_orphans_) place_.orphaned();
    if (is_over_) {
        place_.changed(*this);
    } else {
        settle();
    }
}

void Job::on_notice(const Notice& notice)
{
    switch (notice.kind) {
    case Notice::started: { // before the first of its output
        Started started;
        started.pid = static_cast<std::uint32_t>(notice.pid);
        if (place_.client != nullptr) place_.client->send(Type::started, channel_, started);
        in_.started();
        out_.start();
        err_.start();
        return;
    }
    case Notice::failed:
        fail(
            static_cast<Step>(notice.failure.step),
            notice.failure.error,
            ::strerror(notice.failure.error)
        );
        return;
    case Notice::ended:
        ended_ = notice;
        if (!notice.all_gone) may_have_orphans_ = true;
        return;
    }
}

void Job::supervisor_died()
{
    Notice notice;
    notice.kind = Notice::ended;
    notice.status = SIGKILL;
    notice.left_some = !is_abandoned_;
    ended_ = notice;
    may_have_orphans_ = true;
}

/// After the end of all its processes: sends what stands in the pipes, as far as the client lets
/// it, and then the end.
void Job::settle()
{
    if (is_over_ || !ended_) return;
    in_.end();
    out_.finish(is_abandoned_);
    err_.finish(is_abandoned_);
    if (!out_.is_closed() || !err_.is_closed()) return;
    say_exit();
    place_.changed(*this);
}

void Job::say_exit()
{
    is_over_ = true;
    terminal_.close();
    if (place_.client == nullptr) return;
    Exit exit;
    const int status = ended_->status;
    const bool signaled = WIFSIGNALED(status);
    exit.how = static_cast<std::uint8_t>(signaled ? Ending::signaled : Ending::exited);
    exit.code = static_cast<std::uint8_t>(signaled ? WTERMSIG(status) : WEXITSTATUS(status));
    exit.flags = flags_;
    if (ended_->left_some) exit.flags |= Exit::left_processes;
    const bool failed = signaled || exit.code != 0;
    if (failed && flags_ == 0 && out_of_memory_kills() > kills_before_) {
        exit.flags |= Exit::out_of_memory;
    }
    exit.user_us = ended_->user_us;
    exit.system_us = ended_->system_us;
    exit.memory_kib = ended_->memory_kib;
    place_.client->send(Type::exit, channel_, exit);
}

bool Job::on_window(const Window& window)
{
    if (window.stream != 1 && window.stream != 2) return false;
    (window.stream == 1 ? out_ : err_).grant(window.more);
    settle();
    return true;
}

void Job::resume()
{
    out_.resume();
    err_.resume();
    settle();
}

void Job::forget_client()
{
    place_.client = nullptr;
    out_.forget_client();
    err_.forget_client();
}

void Job::on_resize(const Resize& size)
{
    if (terminal_) set_size(terminal_, size.rows, size.columns);
}

void Job::on_signal(const Signal& signal)
{
    order({Order::signal, signal.number});
}

void Job::on_cancel(const Cancel& cancel)
{
    if (ended_) return;
    flags_ |= Exit::cancelled;
    order({Order::signal, cancel.signal});
    const auto until = Clock::now() + std::chrono::milliseconds(cancel.grace_ms);
    grace_ = grace_ ? std::min(*grace_, until) : until;
}

void Job::abandon()
{
    is_abandoned_ = true;
    flags_ |= Exit::cancelled;
    settle();
    if (!ended_) kill_all();
}

void Job::order(const Order& order)
{
    if (control_) ::send(control_.get(), &order, sizeof order, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Job::kill_all()
{
    deadline_.reset();
    grace_.reset();
    if (killed_) return;
    killed_ = Clock::now();
    order({Order::kill, 0});
    if (supervisor_ > 0) ::kill(supervisor_, SIGCONT);
}

std::optional<Clock::time_point> Job::next_time() const
{
    if (ended_ || is_over_) return std::nullopt;
    std::optional<Clock::time_point> next;
    const auto consider = [&](std::optional<Clock::time_point> time) {
        if (time && (!next || *time < *next)) next = time;
    };
    consider(deadline_);
    consider(grace_);
    if (killed_) consider(*killed_ + patience);
    return next;
}

void Job::on_time(Clock::time_point now)
{
    if (ended_ || is_over_) return;
    if (killed_ && now >= *killed_ + patience) {
        if (supervisor_ > 0) ::kill(supervisor_, SIGKILL); // its end comes through the control
        killed_ = now;
        return;
    }
    if (deadline_ && now >= *deadline_) {
        flags_ |= Exit::timed_out;
        kill_all();
    } else if (grace_ && now >= *grace_) {
        kill_all();
    }
}

} // namespace slipway::agent
