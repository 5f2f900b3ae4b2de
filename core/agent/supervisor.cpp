#include "supervisor.hpp"

#include "processes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <optional>

namespace slipway::agent {

namespace {

using Clock = std::chrono::steady_clock;

/// How long it tries to kill all; a process that the kernel holds cannot be killed at all.
constexpr std::chrono::milliseconds patience{5000};
/// How much of that the first process may take, so that something is left for the others.
constexpr std::chrono::milliseconds patience_for_first{4000};

void send_notice(int control, const Notice& notice)
{
    ::send(control, &notice, sizeof notice, MSG_NOSIGNAL);
}

void close_between(unsigned first, unsigned last)
{
    if (first > last || ::syscall(SYS_close_range, first, last, 0) == 0) return;
    DIR* list = ::opendir("/proc/self/fd");
    if (list == nullptr) return;
    const auto own = static_cast<unsigned>(::dirfd(list));
    while (const dirent* entry = ::readdir(list)) {
        const auto fd = static_cast<unsigned>(std::strtoul(entry->d_name, nullptr, 10));
        if (entry->d_name[0] != '.' && fd >= first && fd <= last && fd != own) {
            ::close(static_cast<int>(fd));
        }
    }
    ::closedir(list);
}

/// Other jobs' pipes must not stay open here.
void close_all_but(std::array<int, 7> kept)
{
    std::sort(kept.begin(), kept.end());
    unsigned first = 3;
    for (const int fd : kept) {
        if (fd < 3) continue;
        close_between(first, static_cast<unsigned>(fd) - 1);
        first = static_cast<unsigned>(fd) + 1;
    }
    close_between(first, ~0U);
}

class Supervisor {
public:
    Supervisor(const Run& run, const JobStreams& streams, int control, int signals, int terminal)
        : run_(&run), streams_(streams), control_(control), signals_(signals), terminal_(terminal)
    {
    }

    [[noreturn]] void live()
    {
        sigset_t all;
        ::sigfillset(&all);
        ::sigprocmask(SIG_SETMASK, &all, nullptr);
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);
        close_all_but(
            {streams_.in, streams_.out, streams_.err, streams_.kept, control_, signals_, terminal_}
        );
        launch();
        while (!status_ && !is_over_) {
            wait();
        }
        finish();
    }

private:
    void launch()
    {
        std::array<int, 2> report{};
        if (::pipe2(report.data(), O_CLOEXEC) != 0) fail({step_of(Step::process), errno});
        // A program shares our memory until it is executed. Unpacking and packing go on with a
        // copy.
        const bool is_program = static_cast<What>(run_->what) == What::program;
        // NOLINTNEXTLINE(clang-analyzer-unix.Vfork,clang-analyzer-security.insecureAPI.vfork)
        first_ = is_program ? ::vfork() : ::fork();
        if (first_ == 0) {
            // Who holds our end of the control would hide that we are gone.
            for (const int fd : {control_, signals_, terminal_}) {
                if (fd >= 0) ::close(fd);
            }
            become_job(*run_, streams_, report[1]);
        }
        if (first_ < 0) fail({step_of(Step::process), errno});
        ::close(report[1]);
        for (const int fd : {streams_.in, streams_.out, streams_.err, streams_.kept}) {
            ::close(fd);
        }
        LaunchFailure failure;
        if (::read(report[0], &failure, sizeof failure) == sizeof failure) {
            ::waitpid(first_, nullptr, 0);
            fail(failure);
        }
        ::close(report[0]);
        Notice notice;
        notice.kind = Notice::started;
        notice.pid = first_;
        send_notice(control_, notice);
    }

    static std::uint8_t step_of(Step step) { return static_cast<std::uint8_t>(step); }

    [[noreturn]] void fail(LaunchFailure failure)
    {
        Notice notice;
        notice.kind = Notice::failed;
        notice.failure = failure;
        send_notice(control_, notice);
        ::_exit(0);
    }

    void wait()
    {
        std::array<pollfd, 2> both{pollfd{control_, POLLIN, 0}, pollfd{signals_, POLLIN, 0}};
        ::poll(both.data(), both.size(), -1);
        if (both[1].revents != 0) {
            signalfd_siginfo ignored{};
            [[maybe_unused]] const ssize_t got = ::read(signals_, &ignored, sizeof ignored);
        }
        reap(); // before an order: a process that has ended gets no signal
        if (both[0].revents != 0 && !status_) obey();
    }

    void reap()
    {
        int status = 0;
        pid_t pid = 0;
        while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
            if (pid != first_) continue;
            status_ = status;
            return;
        }
    }

    void obey()
    {
        Order order;
        const ssize_t got = ::recv(control_, &order, sizeof order, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got != sizeof order || order.kind == Order::kill) {
            is_over_ = true;
            return;
        }
        const pid_t in_front = terminal_ >= 0 ? ::tcgetpgrp(terminal_) : -1;
        ::kill(-(in_front > 0 ? in_front : first_), order.number);
    }

    [[noreturn]] void finish()
    {
        Notice notice;
        notice.kind = Notice::ended;
        const auto begin = Clock::now();
        if (!status_) {
            // The first one at once, so that its status tells what happened.
            ::kill(first_, SIGKILL);
            int status = 0;
            if (!wait_for_first(status, begin + patience_for_first)) status = SIGKILL;
            status_ = status;
        }
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(begin + patience - Clock::now());
        const Killed killed = kill_descendants({}, left);
        notice.status = *status_;
        notice.left_some = killed.any;
        notice.all_gone = killed.gone;
        rusage used{};
        ::getrusage(RUSAGE_CHILDREN, &used);
        const auto us = [](const timeval& time) {
            return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000U
                   + static_cast<std::uint64_t>(time.tv_usec);
        };
        notice.user_us = us(used.ru_utime);
        notice.system_us = us(used.ru_stime);
        notice.memory_kib = static_cast<std::uint64_t>(used.ru_maxrss);
        send_notice(control_, notice);
        ::_exit(0);
    }

    bool wait_for_first(int& status, Clock::time_point until) const
    {
        while (Clock::now() < until) {
            const pid_t pid = ::waitpid(first_, &status, WNOHANG);
            if (pid != 0) return pid == first_;
            pollfd one{signals_, POLLIN, 0};
            ::poll(&one, 1, 10);
            signalfd_siginfo ignored{};
            if (one.revents != 0) {
                [[maybe_unused]] const ssize_t got = ::read(signals_, &ignored, sizeof ignored);
            }
        }
        return false;
    }

    const Run* run_;
    JobStreams streams_;
    int control_;
    int signals_;
    int terminal_;
    pid_t first_ = -1;
    std::optional<int> status_;
    bool is_over_ = false;
};

} // namespace

void supervise(const Run& run, const JobStreams& streams, int control, int signals, int terminal)
{
    Supervisor(run, streams, control, signals, terminal).live();
}

} // namespace slipway::agent
