#pragma once

#include <slipway/engine/result.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace slipway::engine {

/// The parts of a call that have a deadline of their own.
enum class CallPart {
    connect, ///< from the look-up of the name to the end of the TLS handshake
    header,  ///< up to the header of the answer
    idle,    ///< between two pieces of the answer
    total,   ///< the call from its begin to its end
};

/// The clock of one call: how long its present part may take, and how long all of it. When a time
/// is up it closes what the call waits in, which thereby ends with an error.
///
/// One timer serves all parts, and to give time again only moves a date.
class Watchdog {
public:
    using Clock = std::chrono::steady_clock;
    using Limit = std::optional<std::chrono::milliseconds>; ///< nothing: no limit

    /// `total` counts from here on. `shortest` is the shortest limit that a part will have, if that
    /// is known: the timer is then set once and not anew for each part.
    explicit Watchdog(
        const boost::asio::any_io_executor& executor, Limit total = {}, Limit shortest = {}
    );
    Watchdog(Watchdog&&) noexcept = default;
    Watchdog& operator=(Watchdog&&) = delete;
    ~Watchdog(); // NOLINT(bugprone-exception-escape): a cancelled timer throws nothing

    /// What ends the present wait: called once, when a time is up; at once when it is already.
    /// What it refers to must live until the next call of `on_expire` or the watchdog's end.
    void on_expire(std::function<void()> close);

    /// A part begins, and the one before it ends.
    void begin(CallPart part, Limit limit);
    /// The peer did something: the present part has its whole time again.
    void restart();
    /// The call is over.
    void finish();

    bool expired() const noexcept;
    /// Which deadline ran out, and after how long. Only when `expired`.
    Error error() const;

    /// For a coroutine that sends, and may outlive the watchdog. `false` says that it is our turn
    /// and not the peer's, so that the time of its parts stands still; `true`, that it is the
    /// peer's again, which then has its whole time.
    std::function<void(bool)> turns() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace slipway::engine
