#pragma once

#include "connection.hpp"
#include "housekeeping.hpp"
#include "job.hpp"
#include "kept_directories.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace slipway::agent {

/// Who has the sandbox, one client after the other, and the jobs of the one that has it.
class Sessions {
public:
    struct Place {
        Loop* loop;
        Housekeeping* house;
        int signals;                          ///< signalfd with SIGCHLD
        std::function<void(Connection&)> end; ///< ends a connection, and tells `on_gone`
    };

    explicit Sessions(Place place) : place_(std::move(place)) {}

    void on_message(Connection& from, const Message& message);
    /// Bytes came that are no frame.
    void on_skipped(Connection& from);
    /// Lets jobs go on that were held up by a crowded connection, once it is not.
    void relieve();
    /// The client has left a connection of its own.
    void on_gone(Connection& connection);
    /// A client whose hello waits has left the stream.
    void forget_waiting(const Connection& connection);
    void on_child();

    /// Ends the session of now, if there is one.
    void end();
    /// The same as soon as it has no jobs.
    void end_when_idle();

    void on_time(Clock::time_point now);
    /// When `on_time` wants to be called next.
    std::optional<Clock::time_point> next_time() const;
    /// When the last session was over, and clean; nothing while there is one.
    std::optional<Clock::time_point> free_since() const;
    /// Lets go of jobs that are over. Not to be called by one.
    void collect() { over_.clear(); }

private:
    enum class Phase { free, session, ending };

    struct Waiting { ///< a hello that comes while the sandbox is made clean
        Connection* client;
        Hello hello;
    };

    void on_session_message(const Message& message);
    void on_hello(Connection& from, std::string_view payload);
    void on_run(std::uint32_t channel, std::string_view payload);
    static bool on_job_message(Job& job, const Message& message);
    void on_job_changed(Job& job);

    template <class F>
    void each_job(F&& action);

    void welcome(Connection& client, const Hello& hello);
    void broken();
    void abandon_jobs(bool with_client);
    void jobs_gone();
    void kill_orphans();

    Place place_;
    std::map<std::uint32_t, std::unique_ptr<Job>> jobs_;
    std::vector<std::unique_ptr<Job>> over_;
    Phase phase_ = Phase::free;
    Connection* client_ = nullptr; ///< of the session
    std::chrono::milliseconds lease_{0};
    Clock::time_point heard_; ///< the last message of the client
    Clock::time_point free_since_ = Clock::now();
    bool reset_asked_ = false;
    std::optional<Waiting> waiting_;
    std::uint64_t jobs_so_far_ = 0;
    KeptDirectories kept_; ///< of the session
};

} // namespace slipway::agent
