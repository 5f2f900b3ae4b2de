#include "credentials/program.hpp"

#include "net/asio.hpp"
#include "net/watchdog.hpp"
#include "owned_fd.hpp"

#include <slipway/engine/child.hpp>
#include <slipway/engine/pause.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <utility>

namespace slipway::engine::credentials {

namespace {

namespace asio = boost::asio;

Error system_error(int code, const std::string& doing)
{
    const std::error_code cause(code, std::generic_category());
    Errc kind = Errc::io;
    if (code == ENOENT) kind = Errc::not_found;
    if (code == EACCES || code == EPERM) kind = Errc::permission_denied;
    Error error(kind, doing + ": " + cause.message());
    error.cause = cause;
    return error;
}

struct Pipe {
    OwnedFd read;
    OwnedFd write;
};

Result<Pipe> make_pipe()
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(system_error(errno, "making a pipe"));
    return Pipe{OwnedFd(ends[0]), OwnedFd(ends[1])};
}

/// The actions and attributes of a posix_spawn.
class Spawn {
public:
    Spawn()
    {
        // These fail for want of memory alone.
        if (::posix_spawn_file_actions_init(&actions_) != 0) std::abort();
        if (::posix_spawnattr_init(&attributes_) != 0) std::abort();
    }
    Spawn(const Spawn&) = delete;
    Spawn& operator=(const Spawn&) = delete;
    ~Spawn()
    {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }

    /// To be called for 0, 1 and 2 in this order: where one of them is closed here, a pipe may have
    /// got its number.
    void give(const OwnedFd& end, int as)
    {
        failed_ |= ::posix_spawn_file_actions_adddup2(&actions_, end.get(), as);
    }

    /// Asio's sockets stay open in a program that is started, so everything else is closed there.
    void close_all_else()
    {
#if defined(__GLIBC__)
        failed_ |= ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
#else
        std::error_code ignored;
        for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", ignored)) {
            const int fd = std::atoi(entry.path().filename().c_str());
            if (fd > STDERR_FILENO) {
                failed_ |= ::posix_spawn_file_actions_addclose(&actions_, fd);
            }
        }
#endif
    }

    /// 0 and the number of the process, or the error.
    int start(const std::filesystem::path& file, const std::string& argument, pid_t& pid)
    {
        if (failed_ != 0) return failed_;
        sigset_t signals;
        sigemptyset(&signals);
        ::posix_spawnattr_setsigmask(&attributes_, &signals);
        for (const int signal : {SIGPIPE, SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGCHLD}) {
            sigaddset(&signals, signal); // what is ignored here would be ignored there
        }
        ::posix_spawnattr_setsigdefault(&attributes_, &signals);
        // Without a terminal, a question fails at once instead of stopping who asks.
        ::posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID
        );
        std::string name = file.string();
        std::string word = argument;
        const std::array<char*, 3> words{name.data(), word.data(), nullptr};
        return ::posix_spawn(&pid, file.c_str(), &actions_, &attributes_, words.data(), environ);
    }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
    int failed_ = 0;
};

/// A process that was started, with its outputs. Killed and waited for at the latest when it is
/// dropped.
class Process {
public:
    Process(const asio::any_io_executor& executor, pid_t pid, OwnedFd outputs, OwnedFd complaints)
        : out(executor, outputs.release()), err(executor, complaints.release()), pid_(pid)
    {
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process()
    {
        kill();
        look(0);
    }

    /// Ends it and all it started. Whoever reads its outputs gets an error.
    void kill() noexcept
    {
        if (!ended_) ::kill(-pid_, SIGKILL);
        boost::system::error_code ignored;
        out.close(ignored);
        err.close(ignored);
    }

    bool ended() noexcept
    {
        if (!ended_) look(WNOHANG);
        return ended_;
    }
    int exit_code() const noexcept { return exit_code_; }

    asio::posix::stream_descriptor out;
    asio::posix::stream_descriptor err;

private:
    void look(int options) noexcept
    {
        int status = 0;
        pid_t got = 0;
        while (!ended_) {
            got = ::waitpid(pid_, &status, options);
            if (got == 0) return;
            if (got < 0 && errno == EINTR) continue;
            ended_ = true;
        }
        // Where SIGCHLD is ignored nobody learns the code; what was said has to do.
        if (got != pid_) return;
        exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }

    pid_t pid_;
    bool ended_ = false;
    int exit_code_ = 0;
};

Result<std::shared_ptr<Process>> start(
    const asio::any_io_executor& executor,
    const std::filesystem::path& file,
    const std::string& argument,
    const std::string& input
)
{
    if (input.size() > max_input_bytes) {
        return fail(Errc::invalid_argument, "there is too much to tell " + file.string());
    }
    TRY(Pipe in, make_pipe());
    TRY(Pipe out, make_pipe());
    TRY(Pipe err, make_pipe());
    // Before there is a reader: it fits into the pipe, and a program that never reads it is none of
    // our business.
    if (::write(in.write.get(), input.data(), input.size()) < 0) {
        return fail(system_error(errno, "writing to a pipe"));
    }
    Spawn spawn;
    spawn.give(in.read, STDIN_FILENO);
    spawn.give(out.write, STDOUT_FILENO);
    spawn.give(err.write, STDERR_FILENO);
    spawn.close_all_else();
    pid_t pid = 0;
    if (const int code = spawn.start(file, argument, pid); code != 0) {
        return fail(system_error(code, "starting " + file.string()));
    }
    return std::make_shared<Process>(executor, pid, std::move(out.read), std::move(err.read));
}

/// Reads an output to its end. What is more than `limit` is an error, or dropped.
enum class Excess { is_error, is_dropped };
Task<> take_all(
    std::shared_ptr<Process> process,
    asio::posix::stream_descriptor Process::*from,
    std::shared_ptr<std::string> into,
    std::size_t limit,
    Excess excess
)
{
    const Interruption stop(co_await asio::this_coro::cancellation_state);
    std::array<char, 4096> buffer{};
    for (;;) {
        const auto [failed, count] =
            co_await ((*process).*from).async_read_some(asio::buffer(buffer), io);
        if (failed == asio::error::eof) co_return ok();
        if (stop.arrived()) co_return fail(cancelled_error("reading its output"));
        if (failed) co_return fail(net_error(failed, "reading its output"));
        if (into->size() + count > limit && excess == Excess::is_error) {
            co_return fail(
                Errc::protocol, "it wrote more than " + std::to_string(limit) + " bytes"
            );
        }
        into->append(buffer.data(), std::min(count, limit - into->size()));
    }
}

Task<> until_end(
    std::shared_ptr<Process> process,
    std::shared_ptr<std::string> out,
    std::shared_ptr<std::string> err
)
{
    const auto executor = co_await asio::this_coro::executor;
    Child complaints(
        executor, take_all(process, &Process::err, err, kept_complaint_bytes, Excess::is_dropped)
    );
    auto read = co_await take_all(process, &Process::out, out, max_answer_bytes, Excess::is_error);
    while (read && !process->ended()) {
        read = co_await pause(std::chrono::milliseconds(2));
    }
    if (!read) process->kill();
    // Something that it started may hold its stderr open for ever: what it said itself is in the
    // pipe by now.
    if (read) {
        std::array<char, kept_complaint_bytes> buffer{};
        boost::system::error_code failed;
        process->err.non_blocking(true, failed);
        complaints.cancel();
        co_await complaints.join();
        const std::size_t count = process->err.read_some(asio::buffer(buffer), failed);
        err->append(buffer.data(), std::min(count, kept_complaint_bytes - err->size()));
    }
    complaints.cancel();
    co_await complaints.join();
    co_return read;
}

} // namespace

Task<ProgramEnd> run_program(
    std::filesystem::path file,
    std::string argument,
    std::string input,
    std::chrono::milliseconds deadline
)
{
    const auto executor = co_await asio::this_coro::executor;
    const Interruption stop(co_await asio::this_coro::cancellation_state);
    CO_TRY(const auto process, start(executor, file, argument, input));
    const auto out = std::make_shared<std::string>();
    const auto err = std::make_shared<std::string>();
    Watchdog watchdog(executor, deadline);
    watchdog.on_expire([process] { process->kill(); });
    auto ended = co_await until_end(process, out, err);
    if (stop.arrived()) co_return fail(cancelled_error("waiting for its end"));
    if (watchdog.expired()) {
        co_return fail(
            Errc::timed_out,
            "it did not end within " + std::to_string(deadline.count()) + " milliseconds"
        );
    }
    CO_CHECK(std::move(ended));
    ProgramEnd end;
    end.exit_code = process->exit_code();
    end.out = std::move(*out);
    end.err = std::move(*err);
    co_return end;
}

} // namespace slipway::engine::credentials
