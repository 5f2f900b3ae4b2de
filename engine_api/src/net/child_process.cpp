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
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

namespace slipway::engine {

namespace {

constexpr std::size_t max_kept = std::size_t{64} << 10U;
constexpr int grace_ms = 1000;
constexpr int poll_without_pidfd_ms = 50; // for kernels before 5.3
constexpr int cannot_run = 127;

struct PipeEnds {
    OwnedFd read;
    OwnedFd write;
};
PipeEnds make_pipe()
{
    std::array<int, 2> ends{-1, -1};
    static_cast<void>(!::pipe2(ends.data(), O_CLOEXEC)); // without one, its words are missing
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);               // ours; the program's end waits as usual
    return PipeEnds{OwnedFd(ends[0]), OwnedFd(ends[1])};
}

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

int code_of(const siginfo_t& end)
{
    return end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
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
        : program(std::move(file)), arguments(std::move(words)), stop(::eventfd(0, EFD_CLOEXEC))
    {
        sigset_t all;
        sigset_t before;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before); // signals are for the other threads
        thread = std::thread([this] { run(); });
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State()
    {
        const std::uint64_t one = 1;
        static_cast<void>(!::write(stop.get(), &one, sizeof one));
        thread.join();
    }

    void run()
    {
        PipeEnds out = make_pipe();
        PipeEnds err = make_pipe();
        const pid_t started = start(out.write.get(), err.write.get());
        out.write = OwnedFd();
        err.write = OwnedFd();
        if (started < 0) {
            const std::lock_guard lock(mutex);
            error_text = "no process could be made: " + std::generic_category().message(errno);
            error_bytes = error_text.size();
            code = cannot_run;
            return;
        }
        watch(started, out.read, err.read);
    }

    pid_t start(int out, int err)
    {
        std::vector<char*> words{name.data()};
        for (std::string& word : arguments) {
            words.push_back(word.data());
        }
        words.push_back(nullptr);
        const OwnedFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        const Launch launch{
            program.c_str(), words.data(), environ, out, err, nothing.get(), ::getpid()};
        const pid_t started = ::fork();
        if (started == 0) become(launch);
        return started;
    }

    void watch(pid_t started, const OwnedFd& out, const OwnedFd& err)
    {
        {
            const std::lock_guard lock(mutex);
            pid = started;
        }
        const OwnedFd ended(static_cast<int>(::syscall(SYS_pidfd_open, started, 0)));
        std::array<pollfd, 4> wait{{
            {out.get(), POLLIN, 0},
            {err.get(), POLLIN, 0},
            {ended.get(), POLLIN, 0},
            {stop.get(), POLLIN, 0},
        }};
        bool asked = false;
        for (;;) {
            const int patience = asked ? grace_ms : ended.get() >= 0 ? -1 : poll_without_pidfd_ms;
            const int news = ::poll(wait.data(), wait.size(), patience);
            if (!take(out, output_text, nullptr)) wait[0].fd = -1;
            if (!take(err, error_text, &error_bytes)) wait[1].fd = -1;
            siginfo_t end{};
            // Left as a zombie for a moment, so that its number is still its own when we kill.
            if (::waitid(P_PID, static_cast<id_t>(started), &end, WEXITED | WNOHANG | WNOWAIT) == 0
                && end.si_pid == started) {
                break;
            }
            if (news == 0 && asked) ::kill(started, SIGKILL);
            if (!asked && (wait[3].revents & POLLIN) != 0) {
                asked = true;
                wait[3].fd = -1;
                ::kill(started, SIGTERM);
            }
        }
        take(out, output_text, nullptr);
        take(err, error_text, &error_bytes);
        siginfo_t end{};
        const std::lock_guard lock(mutex);
        ::waitid(P_PID, static_cast<id_t>(started), &end, WEXITED);
        code = code_of(end);
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
    OwnedFd stop;
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
