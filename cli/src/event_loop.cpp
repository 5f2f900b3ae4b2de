#include "event_loop.hpp"

#include "exit_code.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/this_coro.hpp>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string_view>

namespace slipway::cli {
namespace {

namespace asio = boost::asio;

constexpr std::string_view stopped_at_once =
    "stopped at once: a container slipway-run-... may be left on the engine, and its command may "
    "still run there";

// Without this every co_await after a cancellation would throw, and nothing could be cleaned up.
Task<int> root(Task<int> command)
{
    co_await asio::this_coro::throw_if_cancelled(false);
    co_return co_await std::move(command);
}

class Loop {
public:
    explicit Loop(Context& context) : context_(context), signals_(io_)
    {
        for (const int signal_number : {SIGINT, SIGQUIT, SIGTERM, SIGHUP}) {
            if (!is_ignored(signal_number)) signals_.add(signal_number);
        }
        await_signal();
    }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    int run(Task<int> command)
    {
        auto finished = [this](std::exception_ptr thrown, Result<int> result) {
            thrown_ = thrown;
            result_.emplace(std::move(result));
        };
        asio::co_spawn(
            io_,
            root(std::move(command)),
            asio::bind_cancellation_slot(cancellation_.slot(), std::move(finished))
        );
        while (!result_) {
            if (const auto refresh = context_.printer->next_refresh()) {
                io_.run_one_until(*refresh);
                context_.printer->refresh();
            } else {
                io_.run_one();
            }
        }
        context_.printer->end_progress();
        if (thrown_) std::rethrow_exception(thrown_);
        const int code = exit_code();
        // All has been cleaned up; a look-up of a name that still hangs would hold us for seconds.
        if (context_.ended_by != 0) std::quick_exit(code);
        return code;
    }

private:
    // Since before we began: by nohup, or by a shell for what it starts in the background.
    static bool is_ignored(int signal_number)
    {
        struct sigaction now {};
        return ::sigaction(signal_number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
    }

    void await_signal()
    {
        signals_.async_wait([this](const boost::system::error_code& failure, int signal_number) {
            if (failure) return;
            await_signal();
            if (++signals_seen_ > 2) {
                context_.printer->end_progress();
                context_.printer->warning(stopped_at_once);
                std::quick_exit(128 + signal_number);
            }
            cancel(signal_number);
        });
    }

    // A second time cuts short what the command still waits for, as the grace of an interrupted
    // job; clean-up that must not be cut short has disabled cancellation by then.
    void cancel(int signal_number)
    {
        if (context_.ended_by == 0) context_.ended_by = signal_number;
        cancellation_.emit(asio::cancellation_type::terminal);
    }

    int exit_code() const
    {
        if (result_->has_value()) return **result_;
        const Error& error = result_->error();
        const bool interrupted = context_.ended_by != 0;
        if (!interrupted || error.code != Errc::cancelled) context_.printer->error(error);
        if (interrupted) return 128 + context_.ended_by;
        return context_.no_engine ? exit_code::engine_unreachable : exit_code_of(error);
    }

    Context& context_;
    asio::io_context io_{1};
    asio::signal_set signals_;
    asio::cancellation_signal cancellation_;
    std::optional<Result<int>> result_;
    std::exception_ptr thrown_;
    int signals_seen_ = 0;
};

} // namespace

std::string signal_name(int signal_number)
{
    switch (signal_number) {
    case SIGHUP:
        return "SIGHUP";
    case SIGQUIT:
        return "SIGQUIT";
    case SIGTERM:
        return "SIGTERM";
    default:
        return "SIGINT";
    }
}

int run(Context& context, Task<int> command)
{
    Loop loop(context);
    return loop.run(std::move(command));
}

} // namespace slipway::cli
