#pragma once

#include <slipway/engine/result.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <memory>

namespace slipway::engine {

/// What a connection is wanted for.
enum class Use {
    call,   ///< one answer, soon
    stream, ///< for as long as somebody reads
};

/// How many connections a client may have at a time, so that a thousand calls at once do not take
/// all descriptors of the process. Who finds none waits, first come, first served, for as long as
/// others come free. Streams leave a quarter to calls: what ends a stream can be a call.
class ConnectionLimit {
public:
    /// `most` 0: as `of_this_process` says. `patience` is how long a waiter sees none come free.
    ConnectionLimit(
        boost::asio::any_io_executor executor, std::size_t most, std::chrono::milliseconds patience
    );

    /// A place among the connections; who drops it gives it back.
    using Place = std::shared_ptr<void>;

    /// Null when there is none at the moment, or somebody else comes first.
    Place take_now(Use use);
    /// Errors: timed_out (none came free), cancelled.
    Task<Place> take(Use use);

    /// True when `take` would have to wait.
    bool full(Use use) const noexcept;
    /// Somebody waits: what is idle has to go.
    bool wanted() const noexcept;

    /// Half of the descriptors that this process may open, from 8 to 1024.
    static std::size_t of_this_process() noexcept;

private:
    struct State;
    std::shared_ptr<State> state_; // places may outlive us
};

} // namespace slipway::engine
