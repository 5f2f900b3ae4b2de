#pragma once

#include "connection.hpp"
#include "supervisor.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::agent {

using Clock = std::chrono::steady_clock;

/// One job as the agent sees it: its streams with their windows, its deadline, its supervisor.
class Job {
public:
    struct Place {
        Loop* loop;
        Connection* client;
        int signals;                       ///< signalfd with SIGCHLD
        std::function<void(Job&)> changed; ///< called when `is_over` may have become true
    };

    Job(Place place, std::uint32_t channel);
    ~Job();
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    /// Starts it. False: `failed` has been sent, and there is no job.
    bool start(const Run& run);

    // Messages of the client; false: it has broken the protocol.
    bool on_in(std::string_view bytes);
    bool on_window(const Window& window);
    void on_resize(const Resize& size);
    void on_signal(const Signal& signal);
    void on_cancel(const Cancel& cancel);

    /// The connection takes more again.
    void resume();
    /// Kills everything and says nothing more than `exit`; its output is thrown away.
    void abandon();
    /// The client has left: not even `exit`.
    void forget_client() { place_.client = nullptr; }

    /// When `on_time` wants to be called next.
    std::optional<Clock::time_point> next_time() const;
    void on_time(Clock::time_point now);

    /// `exit` or `failed` was the last word, and no process of it is known.
    bool is_over() const noexcept { return is_over_; }
    /// The supervisor, or 0 when it has ended.
    pid_t supervisor() const noexcept { return supervisor_; }
    /// Somebody killed the supervisor, or it could not kill all: there may be orphans.
    bool may_have_orphans() const noexcept { return may_have_orphans_; }
    std::uint32_t channel() const noexcept { return channel_; }

private:
    struct Output {
        Type type;
        Stream stream;
        Fd pipe;
        std::uint64_t window = 0;
        Watch watch;
    };

    bool make_streams(const Run& run, JobStreams& streams);
    bool fail(Step step, int error, std::string_view text);
    void on_control();
    void on_notice(const Notice& notice);
    void supervisor_died();
    void on_output(Output& output);
    /// Moves a piece. False: there is none now.
    bool move_output(Output& output);
    void close_output(Output& output);
    void ask_output(Output& output);
    void settle();
    void write_in();
    void grant_in(std::size_t consumed);
    void end_in();
    void order(const Order& order);
    void kill_all();
    void say_exit();

    Place place_;
    std::uint32_t channel_;
    Fd control_;
    Watch control_watch_;
    pid_t supervisor_ = 0;
    Fd terminal_;
    Output out_{Type::out, Stream::out, {}, 0, {}};
    Output err_{Type::err, Stream::err, {}, 0, {}};
    Fd in_;
    Watch in_watch_;
    std::string in_waiting_;
    std::size_t in_written_ = 0;
    std::uint64_t in_allowed_ = 0;
    std::size_t in_consumed_ = 0; ///< and not granted again
    bool has_started_ = false;
    bool has_in_ = false;
    bool in_ends_ = false;
    std::optional<Notice> ended_;
    std::optional<Clock::time_point> deadline_;
    std::optional<Clock::time_point> grace_;
    std::optional<Clock::time_point> killed_; ///< when the supervisor was told
    std::uint8_t flags_ = 0;
    std::uint64_t kills_before_ = 0;
    bool is_over_ = false;
    bool is_abandoned_ = false;
    bool may_have_orphans_ = false;
};

} // namespace slipway::agent
