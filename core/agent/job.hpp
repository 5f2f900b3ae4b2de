#pragma once

#include "connection.hpp"
#include "job_input.hpp"
#include "job_output.hpp"
#include "job_streams.hpp"
#include "supervisor.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace slipway::agent {

using Clock = std::chrono::steady_clock;

/// One job as the agent sees it: its life, from its supervisor to its `exit`.
class Job {
public:
    struct Place {
        Loop* loop;
        Connection* client;
        int signals;                       ///< signalfd with SIGCHLD
        std::function<void(Job&)> changed; ///< called when `is_over` may have become true
        /// Called when somebody has killed the supervisor, or it could not kill all.
        std::function<void()> orphaned;
    };

    Job(Place place, std::uint32_t channel);
    ~Job();
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    /// Starts it. `own_stream` is the descriptor that came with the message, when it says so;
    /// `kept` is what KeptDirectories has for What::keep. False: `failed` has been sent, and there
    /// is no job.
    bool start(const Run& run, Fd own_stream, int kept);
    /// Says `failed` instead. False.
    bool fail(Step step, int error, std::string_view text);

    /// It has ended and was waited for: its number may be another's by now.
    void forget_supervisor() noexcept { supervisor_ = 0; }

    // Messages of the client; false: it has broken the protocol.
    bool on_in(std::string_view bytes) { return in_.take(bytes); }
    bool on_window(const Window& window);
    void on_resize(const Resize& size);
    void on_signal(const Signal& signal);
    void on_cancel(const Cancel& cancel);

    /// The connection takes more again.
    void resume();
    /// Kills everything and says nothing more than `exit`; its output is thrown away.
    void abandon();
    /// The client has left: not even `exit`.
    void forget_client();

    /// When `on_time` wants to be called next.
    std::optional<Clock::time_point> next_time() const;
    void on_time(Clock::time_point now);

    /// `exit` or `failed` was the last word, and no process of it is known.
    bool is_over() const noexcept { return is_over_; }
    /// The supervisor, or 0 when it has ended.
    pid_t supervisor() const noexcept { return supervisor_; }
    std::uint32_t channel() const noexcept { return channel_; }

private:
    void take_streams(const Run& run, StreamEnds& ends);
    void on_control();
    void on_notice(const Notice& notice);
    void supervisor_died();
    void settle();
    void order(const Order& order);
    void kill_all();
    void say_exit();

    Place place_;
    std::uint32_t channel_;
    Fd control_;
    Watch control_watch_;
    pid_t supervisor_ = 0;
    Fd terminal_;
    JobInput in_;
    JobOutput out_;
    JobOutput err_;
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
