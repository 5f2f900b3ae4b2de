#pragma once

#include "connection.hpp"
#include "descriptor.hpp"
#include "loop.hpp"

#include <cstdint>
#include <functional>

namespace slipway::agent {

/// One output stream of a job: moves what the job writes to the client, as far as its window and
/// the connection allow it.
class JobOutput {
public:
    JobOutput(Type type, Connection* client, std::uint32_t channel)
        : type_(type), client_(client), channel_(channel)
    {
    }

    /// `ready` is called when there is something to `move`; not before `start`.
    void open(Loop& loop, Fd pipe, std::uint64_t window, Loop::Handler ready);
    void start();
    /// The client has left.
    void forget_client();

    void grant(std::uint64_t more);
    /// The connection takes more again.
    void resume() { ask(); }

    /// Moves a piece. False: there is none now, or nothing may be sent.
    bool move();
    /// After the last process that could write: moves all that may be sent, or drops it.
    void finish(bool drop);
    /// Nothing more will come.
    bool is_closed() const noexcept { return !pipe_; }

private:
    bool may_send() const { return client_ != nullptr && window_ > 0 && !client_->is_crowded(); }
    void ask();
    void close();

    Type type_;
    Connection* client_;
    std::uint32_t channel_;
    Fd pipe_;
    Watch watch_;
    std::uint64_t window_ = 0;
    bool is_pipe_ = false; ///< and no terminal
    bool has_started_ = false;
};

} // namespace slipway::agent
