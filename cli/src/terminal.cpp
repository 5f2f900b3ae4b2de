#include "terminal.hpp"

#include <slipway/engine/interruption.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>

namespace slipway::cli {

namespace asio = boost::asio;

namespace {

using Waiter = asio::posix::stream_descriptor;

// Asio can wait for a pipe, a socket or a terminal, not for a file, which never keeps us waiting.
std::optional<Waiter> waiter_for(const asio::any_io_executor& executor, int descriptor)
{
    std::optional<Waiter> waiter;
    struct stat status {};
    if (::fstat(descriptor, &status) == 0
        && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || ::isatty(descriptor) == 1)) {
        waiter.emplace(executor);
        boost::system::error_code refused;
        waiter->assign(descriptor, refused);
        if (refused) waiter.reset();
    }
    return waiter;
}

Task<> ready(Waiter& waiter, Waiter::wait_type what)
{
    const engine::Interruption stop(co_await asio::this_coro::cancellation_state);
    const auto [cut] = co_await waiter.async_wait(what, asio::as_tuple(asio::use_awaitable));
    if (cut || stop.arrived()) {
        co_return fail(Errc::cancelled, "cancelled");
    }
    co_return ok();
}

Error failure(std::string doing)
{
    Error error(Errc::io, std::generic_category().message(errno));
    error.cause = std::error_code(errno, std::generic_category());
    error.context.push_back(std::move(doing));
    return error;
}

std::optional<termios> settings_before; // of the terminal on stdin, while it is raw

void set_back()
{
    if (settings_before) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &*settings_before);
}

} // namespace

bool on_terminal()
{
    return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1
           && ::isatty(STDERR_FILENO) == 1;
}

bool stdin_is_piped()
{
    struct stat status {};
    return ::fstat(STDIN_FILENO, &status) == 0 && !S_ISCHR(status.st_mode);
}

LocalInput::LocalInput(const asio::any_io_executor& executor, int descriptor)
    : waiter_(waiter_for(executor, descriptor)), descriptor_(descriptor)
{
}

LocalInput::~LocalInput()
{
    if (waiter_) waiter_->release();
}

Task<std::size_t> LocalInput::read(std::span<char> into)
{
    for (;;) {
        if (waiter_) {
            CO_CHECK(co_await ready(*waiter_, Waiter::wait_read));
        }
        const ::ssize_t n = ::read(descriptor_, into.data(), into.size());
        if (n >= 0) {
            co_return static_cast<std::size_t>(n);
        }
        if (errno != EINTR && (errno != EAGAIN || !waiter_)) {
            co_return fail(failure("reading standard input"));
        }
    }
}

LocalOutput::LocalOutput(const asio::any_io_executor& executor, int descriptor)
    : waiter_(waiter_for(executor, descriptor)), descriptor_(descriptor)
{
}

LocalOutput::~LocalOutput()
{
    if (waiter_) waiter_->release();
}

Task<> LocalOutput::write(std::string_view data)
{
    while (!data.empty()) {
        std::size_t piece = data.size();
        if (waiter_) {
            // A pipe that is ready takes this much without blocking; we must stay able to hear a
            // signal while its reader is slow.
            piece = std::min<std::size_t>(piece, PIPE_BUF);
            CO_CHECK(co_await ready(*waiter_, Waiter::wait_write));
        }
        const ::ssize_t n = ::write(descriptor_, data.data(), piece);
        if (n >= 0) {
            data.remove_prefix(static_cast<std::size_t>(n));
        } else if (errno != EINTR && (errno != EAGAIN || !waiter_)) {
            closed_ = errno == EPIPE;
            const char* const stream = descriptor_ == STDERR_FILENO ? "stderr" : "stdout";
            const bool closed = errno == EBADF;
            Error error = failure(std::string("writing the command's output to ") + stream);
            if (closed) error.message = "it is closed"; // by the caller, see main
            co_return fail(std::move(error));
        }
    }
    co_return ok();
}

RawTerminal::RawTerminal()
{
    termios settings{};
    if (::tcgetattr(STDIN_FILENO, &settings) != 0) return;
    settings_before = settings;
    std::at_quick_exit(set_back);
    ::cfmakeraw(&settings);
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &settings);
}

RawTerminal::~RawTerminal()
{
    set_back();
    settings_before.reset();
}

TerminalSizeWatch::TerminalSizeWatch(
    const asio::any_io_executor& executor, std::function<void(engine::TerminalSize)> changed
)
    : signals_(executor, SIGWINCH),
      changed_(std::move(changed)),
      alive_(std::make_shared<bool>(true))
{
    tell();
    wait();
}

void TerminalSizeWatch::tell()
{
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        engine::TerminalSize told;
        told.columns = size.ws_col;
        told.rows = size.ws_row;
        changed_(told);
    }
}

void TerminalSizeWatch::wait()
{
    signals_.async_wait([this, alive = alive_](const boost::system::error_code& stopped, int) {
        if (stopped || !*alive) return;
        tell();
        wait();
    });
}

} // namespace slipway::cli
