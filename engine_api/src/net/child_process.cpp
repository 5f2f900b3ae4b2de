#include "net/child_process.hpp"

#include "owned_fd.hpp"
#include "program_path.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace slipway::engine {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t max_kept = std::size_t{64} << 10U;
constexpr std::chrono::milliseconds grace(1'000);
constexpr std::chrono::milliseconds poll_without_pidfd(50); // for kernels before 5.3
constexpr int cannot_run = 127;

struct PipeEnds {
    OwnedFd read;
    OwnedFd write;
};
PipeEnds make_pipe()
{
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) == 0) {
        ::fcntl(ends[0], F_SETFL, O_NONBLOCK); // ours; the program's end waits as usual
    }
    return PipeEnds{OwnedFd(ends[0]), OwnedFd(ends[1])};
}

// All descriptors that a start takes. Without one of them nothing is started.
struct Descriptors {
    PipeEnds out = make_pipe();
    PipeEnds err = make_pipe();
    OwnedFd nothing = OwnedFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    OwnedFd stop = OwnedFd(::eventfd(0, EFD_CLOEXEC));

    bool all_there() const
    {
        const int least = std::min({out.read.get(), err.read.get(), nothing.get(), stop.get()});
        return least >= 0;
    }
};

// Signals are for the other threads, and none may come between fork and exec.
class AllSignalsBlocked {
public:
    AllSignalsBlocked()
    {
        sigset_t all;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    AllSignalsBlocked(const AllSignalsBlocked&) = delete;
    AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;
    ~AllSignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

// All that the new process needs, made before the fork: after it only calls that are safe in the
// copy of a process with many threads may run.
struct Launch {
    const char* program;
    char* const* arguments;
    char* const* environment;
    int out;
    int err;
    int nothing;
    pid_t parent;
};

void close_all_from(unsigned first)
{
    if (::syscall(SYS_close_range, first, ~0U, 0) == 0) return;
    constexpr int most = 65536;
    for (int fd = static_cast<int>(first); fd < most; ++fd) {
        ::close(fd);
    }
}

[[noreturn]] void become(const Launch& launch)
{
    ::setsid(); // Ctrl-C of a terminal is for us alone: clean-up still needs this program
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != launch.parent) ::_exit(cannot_run); // died before the line above
    ::dup2(launch.nothing, STDIN_FILENO);
    ::dup2(launch.out, STDOUT_FILENO);
    ::dup2(launch.err, STDERR_FILENO);
    close_all_from(STDERR_FILENO + 1);
    for (int number = 1; number < NSIG; ++number) {
        ::signal(number, SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execve(launch.program, launch.arguments, launch.environment);
    constexpr std::string_view why = "the program cannot be executed\n";
    static_cast<void>(!::write(STDERR_FILENO, why.data(), why.size()));
    ::_exit(cannot_run);
}

// PF_EXITING of the flags in /proc, which the kernel sets before it closes anything.
bool is_exiting(pid_t pid)
{
    const OwnedFd stat(
        ::open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC)
    );
    std::array<char, 1024> text{};
    const ssize_t size = ::read(stat.get(), text.data(), text.size() - 1);
    if (size <= 0) return false; // there is no /proc: its end shows when we have waited for it
    const char* const after_name = std::strrchr(text.data(), ')');
    unsigned flags = 0;
    constexpr unsigned exiting = 4;
    return after_name != nullptr
           && std::sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1
           && (flags & exiting) != 0;
}

// With WNOWAIT it stays a zombie, so that its number is still its own. Where SIGCHLD is ignored, or
// somebody waits for all children of this process, nobody learns how it ended: that counts as 0.
std::optional<int> code_at_end(pid_t pid, int options)
{
    siginfo_t end{};
    if (::waitid(P_PID, static_cast<id_t>(pid), &end, WEXITED | WNOHANG | options) != 0) return 0;
    if (end.si_pid != pid) return std::nullopt;
    return end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
}

// With all that it started. In its first moments it has no group yet.
void send_signal(pid_t pid, int signal)
{
    if (::kill(-pid, signal) != 0) ::kill(pid, signal);
}

} // namespace

Result<std::filesystem::path> find_program(std::string_view name)
{
    const char* const path = std::getenv("PATH");
    auto found = find_in_path(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin", name);
    if (found) return found;
    return fail(Errc::not_found, "the program " + std::string(name) + " is not installed");
}

// The thread that starts the program also waits for it: the kernel sends the signal of
// PR_SET_PDEATHSIG when that one thread ends, which therefore must live as long.
struct ChildProcess::State {
    State(std::filesystem::path file, std::vector<std::string> words)
        : program(std::move(file)), arguments(std::move(words))
    {
        if (!ours.all_there()) {
            not_started(errno);
            return;
        }
        const AllSignalsBlocked blocked;
        try {
            thread = std::thread([this] { run(); });
        } catch (const std::system_error& no_thread) {
            not_started(no_thread.code().value());
        }
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State()
    {
        if (!thread.joinable()) return;
        const std::uint64_t one = 1;
        static_cast<void>(!::write(ours.stop.get(), &one, sizeof one));
        thread.join();
    }

    void not_started(int why)
    {
        const std::lock_guard lock(mutex);
        error_text = "no process could be made: " + std::generic_category().message(why);
        error_bytes = error_text.size();
        code = cannot_run;
    }

    void run()
    {
        const pid_t started = start();
        if (started < 0) {
            not_started(errno);
            return;
        }
        ours.out.write = OwnedFd();
        ours.err.write = OwnedFd();
        watch(started);
    }

    pid_t start()
    {
        std::vector<char*> words{name.data()};
        for (std::string& word : arguments) {
            words.push_back(word.data());
        }
        words.push_back(nullptr);
        const Launch launch{
            program.c_str(),
            words.data(),
            environ,
            ours.out.write.get(),
            ours.err.write.get(),
            ours.nothing.get(),
            ::getpid()};
        const pid_t started = ::fork();
        if (started == 0) become(launch);
        return started;
    }

    void watch(pid_t started)
    {
        {
            const std::lock_guard lock(mutex);
            pid = started;
        }
        const OwnedFd ended(static_cast<int>(::syscall(SYS_pidfd_open, started, 0)));
        std::array<pollfd, 4> wait{{
            {ours.out.read.get(), POLLIN, 0},
            {ours.err.read.get(), POLLIN, 0},
            {ended.get(), POLLIN, 0},
            {ours.stop.get(), POLLIN, 0},
        }};
        std::optional<Clock::time_point> kill_at; // since it was asked to end
        for (;;) {
            ::poll(wait.data(), wait.size(), patience(kill_at, ended.get() >= 0));
            if (!take(ours.out.read, output_text, nullptr)) wait[0].fd = -1;
            if (!take(ours.err.read, error_text, &error_bytes)) wait[1].fd = -1;
            if (code_at_end(started, WNOWAIT)) break;
            if (kill_at && Clock::now() >= *kill_at) send_signal(started, SIGKILL);
            if (!kill_at && (wait[3].revents & POLLIN) != 0) {
                kill_at = Clock::now() + grace;
                wait[3].fd = -1;
                send_signal(started, SIGTERM);
            }
        }
        take(ours.out.read, output_text, nullptr);
        take(ours.err.read, error_text, &error_bytes);
        const std::lock_guard lock(mutex);
        code = code_at_end(started, 0);
    }

    // For poll: milliseconds, or -1 for ever.
    static int patience(const std::optional<Clock::time_point>& kill_at, bool end_shows)
    {
        if (!kill_at) return end_shows ? -1 : static_cast<int>(poll_without_pidfd.count());
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*kill_at - Clock::now());
        return static_cast<int>(std::max(left, poll_without_pidfd).count());
    }

    // Reads what is there; false at the end. stdout keeps its begin, stderr (which counts) its end.
    bool take(const OwnedFd& from, std::string& into, std::size_t* count)
    {
        std::array<char, 4096> piece{};
        for (;;) {
            const ssize_t n = ::read(from.get(), piece.data(), piece.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return errno == EAGAIN;
            if (n == 0) return false;
            const std::lock_guard lock(mutex);
            const auto size = static_cast<std::size_t>(n);
            if (count == nullptr) {
                into.append(piece.data(), std::min(size, max_kept - into.size()));
                continue;
            }
            into.append(piece.data(), size);
            *count += size;
            if (into.size() > max_kept) into.erase(0, into.size() - max_kept);
        }
    }

    std::filesystem::path program;
    std::string name = program.filename().string(); // argv[0]
    std::vector<std::string> arguments;
    Descriptors ours;
    std::mutex mutex; // what follows is shared with the thread
    std::string output_text;
    std::string error_text;
    std::size_t error_bytes = 0;
    std::optional<int> code;
    pid_t pid = 0; // until the program has been started
    std::thread thread;
};

ChildProcess::ChildProcess(std::filesystem::path program, std::vector<std::string> arguments)
    : state_(std::make_unique<State>(std::move(program), std::move(arguments)))
{
}

ChildProcess::~ChildProcess() = default;

bool ChildProcess::ending() const
{
    const std::lock_guard lock(state_->mutex);
    // Not yet waited for, so that the number is still its own.
    return state_->code || (state_->pid > 0 && is_exiting(state_->pid));
}

std::optional<int> ChildProcess::exit_code() const
{
    const std::lock_guard lock(state_->mutex);
    return state_->code;
}

std::string ChildProcess::output() const
{
    const std::lock_guard lock(state_->mutex);
    return state_->output_text;
}

std::string ChildProcess::errors(std::size_t skip) const
{
    const std::lock_guard lock(state_->mutex);
    const std::size_t dropped = state_->error_bytes - state_->error_text.size();
    const std::size_t from = skip > dropped ? skip - dropped : 0;
    return state_->error_text.substr(std::min(from, state_->error_text.size()));
}

std::size_t ChildProcess::said() const
{
    const std::lock_guard lock(state_->mutex);
    return state_->error_bytes;
}

} // namespace slipway::engine
