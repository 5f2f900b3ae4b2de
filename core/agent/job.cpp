#include "job.hpp"

#include "oom.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace slipway::agent {

namespace {

constexpr std::uint64_t first_window_in = 65'536;
/// What may wait for a job to read it.
constexpr std::size_t most_in = std::size_t{1} << 20;
constexpr int archive_pipe_bytes = 1 << 20;
/// A supervisor that has not killed all after this time is given up.
constexpr std::chrono::seconds patience{10};

bool make_pipe(Fd& read, Fd& write, bool large)
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    read = Fd(ends[0]);
    write = Fd(ends[1]);
    if (large) ::fcntl(ends[0], F_SETPIPE_SZ, archive_pipe_bytes); // as far as it is allowed
    return true;
}

void make_nonblocking(const Fd& fd)
{
    ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
}

bool has_nul(const std::vector<std::string>& texts)
{
    return std::any_of(texts.begin(), texts.end(), [](const std::string& text) {
        return text.find('\0') != std::string::npos;
    });
}

winsize size_of(std::uint16_t rows, std::uint16_t columns)
{
    winsize size{};
    size.ws_row = rows;
    size.ws_col = columns;
    return size;
}

} // namespace

Job::Job(Place place, std::uint32_t channel) : place_(std::move(place)), channel_(channel) {}

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

bool Job::make_streams(const Run& run, JobStreams& streams)
{
    Fd in;
    Fd out;
    Fd err;
    if (run.terminal) {
        terminal_ = Fd(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
        int locked = 0;
        const winsize size = size_of(run.rows, run.columns);
        if (!terminal_ || ::ioctl(terminal_.get(), TIOCSPTLCK, &locked) != 0) return false;
        in = Fd(::ioctl(terminal_.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
        if (!in || ::ioctl(terminal_.get(), TIOCSWINSZ, &size) != 0) return false;
        out_.pipe = Fd(::fcntl(terminal_.get(), F_DUPFD_CLOEXEC, 3));
        in_ = Fd(::fcntl(terminal_.get(), F_DUPFD_CLOEXEC, 3));
        streams = {in.get(), in.get(), in.release()};
        return out_.pipe && in_;
    }
    const bool large = static_cast<What>(run.what) != What::program;
    if (!make_pipe(out_.pipe, out, large) || !make_pipe(err_.pipe, err, false)) return false;
    if (run.has_in ? !make_pipe(in, in_, large)
                   : !(in = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)))) {
        return false;
    }
    streams = {in.release(), out.release(), err.release()};
    return true;
}

bool Job::start(const Run& run)
{
    if (run.argv.empty() || run.what > last_what || has_nul(run.argv) || has_nul(run.env)
        || run.cwd.find('\0') != std::string::npos) {
        return fail(Step::message, EINVAL, "no words to run, or a byte 0 in one");
    }
    JobStreams streams;
    std::array<int, 2> control{};
    if (!make_streams(run, streams)
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
    const Fd in(streams.in);
    const Fd out(streams.out == streams.in ? -1 : streams.out);
    const Fd err(streams.err == streams.in ? -1 : streams.err);
    kills_before_ = out_of_memory_kills();
    supervisor_ = ::fork();
    if (supervisor_ == 0) {
        supervise(run, streams, theirs.get(), place_.signals, terminal_.get());
    }
    if (supervisor_ < 0) {
        const int error = errno;
        supervisor_ = 0;
        return fail(Step::process, error, "no process could be made");
    }
    for (const Fd* fd : {&control_, &out_.pipe, &err_.pipe, &in_}) {
        if (*fd) make_nonblocking(*fd);
    }
    has_in_ = run.has_in;
    in_allowed_ = has_in_ ? first_window_in : 0;
    if (!has_in_) in_.reset();
    out_.window = err_.window = run.window;
    if (run.deadline_ms != 0) {
        constexpr std::uint64_t most = std::uint64_t{1} << 40;
        deadline_ = Clock::now() + std::chrono::milliseconds(std::min(run.deadline_ms, most));
    }
    control_watch_ = Watch(*place_.loop, control_.get(), [this](std::uint32_t) { on_control(); });
    control_watch_.want(EPOLLIN);
    for (Output* output : {&out_, &err_}) {
        if (!output->pipe) continue;
        output->watch = Watch(*place_.loop, output->pipe.get(), [this, output](std::uint32_t) {
            on_output(*output);
        });
    }
    if (in_) in_watch_ = Watch(*place_.loop, in_.get(), [this](std::uint32_t) { write_in(); });
    return true;
}

void Job::on_control()
{
    for (;;) {
        Notice notice;
        const ssize_t got = ::recv(control_.get(), &notice, sizeof notice, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (got != sizeof notice) {
            supervisor_died();
            break;
        }
        on_notice(notice);
        if (ended_ || is_over_) break;
    }
    if (ended_ || is_over_) {
        control_watch_ = Watch();
        control_.reset();
        supervisor_ = 0;
    }
    if (ended_) settle();
    if (is_over_) place_.changed(*this);
}

void Job::on_notice(const Notice& notice)
{
    switch (notice.kind) {
    case Notice::started: { // before the first of its output
        has_started_ = true;
        Started started;
        started.pid = static_cast<std::uint32_t>(notice.pid);
        if (place_.client != nullptr) place_.client->send(Type::started, channel_, started);
        if (has_in_) {
            Window more;
            more.stream = static_cast<std::uint8_t>(Stream::in);
            more.more = static_cast<std::uint32_t>(most_in - first_window_in);
            in_allowed_ += more.more;
            if (place_.client != nullptr) place_.client->send(Type::window, channel_, more);
        }
        for (Output* output : {&out_, &err_}) {
            ask_output(*output);
        }
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

void Job::on_output(Output& output)
{
    move_output(output);
    if (ended_) {
        settle();
        if (is_over_) place_.changed(*this);
    }
}

bool Job::move_output(Output& output)
{
    if (!output.pipe) return false;
    if (place_.client == nullptr || output.window == 0 || place_.client->is_crowded()) {
        ask_output(output);
        return false;
    }
    static std::array<char, max_payload> buffer;
    const std::size_t most =
        static_cast<std::size_t>(std::min<std::uint64_t>(output.window, buffer.size()));
    const ssize_t got = ::read(output.pipe.get(), buffer.data(), most);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got <= 0) { // a terminal that nobody has open any more gives EIO
        close_output(output);
        return false;
    }
    output.window -= static_cast<std::uint64_t>(got);
    place_.client->send_bytes(
        output.type, channel_, {buffer.data(), static_cast<std::size_t>(got)}
    );
    ask_output(output);
    return true;
}

void Job::close_output(Output& output)
{
    output.watch = Watch();
    output.pipe.reset();
}

void Job::ask_output(Output& output)
{
    const bool may = has_started_ && place_.client != nullptr && output.window > 0
                     && !place_.client->is_crowded();
    output.watch.want(may ? static_cast<std::uint32_t>(EPOLLIN) : 0U);
}

/// After the end of all its processes: sends what stands in the pipes, as far as the client lets
/// it, and then the end.
void Job::settle()
{
    if (is_over_) return;
    end_in();
    for (Output* output : {&out_, &err_}) {
        while (!is_abandoned_ && move_output(*output)) {
        }
        if (!output->pipe) continue;
        int left = 0;
        const bool is_empty = ::ioctl(output->pipe.get(), FIONREAD, &left) != 0 || left == 0;
        if (is_empty || is_abandoned_) close_output(*output);
    }
    if (!out_.pipe && !err_.pipe) say_exit();
}

void Job::say_exit()
{
    is_over_ = true;
    terminal_.reset();
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

bool Job::on_in(std::string_view bytes)
{
    if (bytes.empty()) {
        in_ends_ = true;
        write_in();
        return true;
    }
    if (bytes.size() > in_allowed_ || in_ends_) return false;
    in_allowed_ -= bytes.size();
    if (!in_) { // nobody reads it any more
        grant_in(bytes.size());
        return true;
    }
    if (in_waiting_.empty()) {
        const ssize_t put = ::write(in_.get(), bytes.data(), bytes.size());
        if (put > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(put));
            grant_in(static_cast<std::size_t>(put));
        }
    }
    in_waiting_ += bytes;
    write_in();
    return true;
}

void Job::write_in()
{
    while (in_ && in_written_ < in_waiting_.size()) {
        const ssize_t put =
            ::write(in_.get(), in_waiting_.data() + in_written_, in_waiting_.size() - in_written_);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0 && errno == EAGAIN) {
            in_watch_.want(EPOLLOUT);
            return;
        }
        if (put < 0) {
            grant_in(in_waiting_.size() - in_written_);
            end_in();
            return;
        }
        in_written_ += static_cast<std::size_t>(put);
        grant_in(static_cast<std::size_t>(put));
    }
    in_waiting_.clear();
    in_written_ = 0;
    in_watch_.want(0);
    if (in_ends_ && in_ && terminal_) {
        // It cannot be closed alone: the program is told as a person would.
        const char end_of_file = 4;
        in_ends_ = false;
        [[maybe_unused]] const ssize_t put = ::write(in_.get(), &end_of_file, 1);
    } else if (in_ends_) {
        end_in();
    }
}

void Job::end_in()
{
    in_watch_ = Watch();
    in_.reset();
    in_waiting_.clear();
    in_written_ = 0;
}

void Job::grant_in(std::size_t consumed)
{
    in_consumed_ += consumed;
    if (in_consumed_ < most_in / 4 || in_ends_ || ended_ || place_.client == nullptr) return;
    Window more;
    more.stream = static_cast<std::uint8_t>(Stream::in);
    more.more = static_cast<std::uint32_t>(std::exchange(in_consumed_, 0));
    in_allowed_ += more.more;
    place_.client->send(Type::window, channel_, more);
}

bool Job::on_window(const Window& window)
{
    if (window.stream != 1 && window.stream != 2) return false;
    Output& output = window.stream == 1 ? out_ : err_;
    output.window += window.more;
    ask_output(output);
    if (ended_) {
        settle();
        if (is_over_) place_.changed(*this);
    }
    return true;
}

void Job::resume()
{
    for (Output* output : {&out_, &err_}) {
        if (output->pipe) ask_output(*output);
    }
    if (ended_) {
        settle();
        if (is_over_) place_.changed(*this);
    }
}

void Job::on_resize(const Resize& size)
{
    const winsize wanted = size_of(size.rows, size.columns);
    if (terminal_) ::ioctl(terminal_.get(), TIOCSWINSZ, &wanted);
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
    if (ended_) {
        settle();
        if (is_over_) place_.changed(*this);
    } else {
        kill_all();
    }
}

void Job::order(const Order& order)
{
    if (control_) ::send(control_.get(), &order, sizeof order, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Job::kill_all()
{
    if (killed_) return;
    killed_ = Clock::now();
    deadline_.reset();
    grace_.reset();
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
