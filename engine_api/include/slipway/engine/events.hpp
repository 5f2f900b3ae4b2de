#pragma once

#include <slipway/engine/filters.hpp>
#include <slipway/engine/transport.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::engine {

/// Something that happened in an engine.
struct Event {
    std::string type;   ///< "container", "image", "network", "volume", "builder", "daemon", ...
    std::string action; ///< "start", "die", "exec_start: sh -c true", "health_status: healthy", ...
    std::string actor;  ///< the object's id; of a volume its name
    std::map<std::string, std::string> attributes; ///< "name", "image", "exitCode", the labels, ...
    std::string scope;                             ///< "local" or "swarm"
    std::chrono::sys_time<std::chrono::nanoseconds> time{}; ///< by the engine's clock
};

/// The action without what follows its colon: "exec_start" of "exec_start: sh -c true".
std::string_view verb(const Event& event) noexcept;

/// How far a reader of events has come. Keep the latest one to go on after a broken connection.
/// Empty until the first event.
class EventPosition {
public:
    using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

    bool empty() const noexcept { return recent_.empty(); }
    Time latest() const noexcept { return latest_; }
    /// From where a reader that goes on has to ask again: a second before the latest event, since
    /// engines take the time of an event and put it in line in two steps. Later where more came in
    /// that second than is kept.
    Time ask_from() const noexcept
    {
        return std::max({first_, forgotten_, Time(latest_ - overlap)});
    }
    /// Whether `event` was read, or is no younger than one that was and is not kept.
    bool has(const Event& event) const;
    void add(const Event& event);

private:
    static constexpr std::chrono::seconds overlap{1};
    /// Four times what dockerd itself remembers.
    static constexpr std::size_t most = 1024;

    struct Seen {
        Time time;
        std::string what;
    };
    Time first_{};
    Time latest_{};
    Time forgotten_ = Time::min(); ///< of the youngest that had to go before its second was over
    std::deque<Seen> recent_;      ///< of the last second
};

struct WatchEvents {
    /// "type", "event", "container", "image", "label", ... with docker's names of events. Podman
    /// ends the stream without a word at a key it does not know.
    Filters filters;
    /// Begins with what happened then; absent: with what happens from now on. dockerd remembers
    /// the last 256 events.
    std::optional<std::chrono::sys_time<std::chrono::nanoseconds>> since{};
    /// Ends there, at once when that is over; absent: never.
    std::optional<std::chrono::sys_time<std::chrono::nanoseconds>> until{};
    /// In place of `since`: goes on behind what was read before, with no gap and nothing twice.
    /// Where more than 1024 events came in the last second, those that are no younger than the
    /// 1025th from the end count as read.
    EventPosition after{};
};

/// Events as they come. Nothing runs ahead of the reader, but dockerd drops events for a reader
/// that does not take one within 100 ms. Dropping the stream closes its connection.
class EventStream {
public:
    class Impl;

    EventStream() noexcept; ///< Holds nothing; reading it is Errc::internal.
    explicit EventStream(std::unique_ptr<Impl> impl) noexcept;
    EventStream(EventStream&&) noexcept;
    EventStream& operator=(EventStream&&) noexcept;
    ~EventStream();

    /// The next event, however long it takes, or nothing at `until`. The object must outlive the
    /// task. An error is final: later calls repeat it.
    ///
    /// Errors: truncated (the engine ended the stream, or went: watch again, after `position`),
    ///   protocol, io, cancelled.
    Task<std::optional<Event>> next();

    /// For WatchEvents::after.
    const EventPosition& position() const noexcept;

    /// Closes the connection; a pending read fails.
    void close() noexcept;

private:
    std::unique_ptr<Impl> impl_;
};

/// What happens in an engine. Valid as long as the transport.
class Events {
public:
    explicit Events(Transport& transport) noexcept : transport_(&transport) {}

    /// Returns once the engine sends. Events are named as docker names them, on podman too where
    /// it has the same under another name. `options` is copied.
    /// Errors: invalid_argument (a filter, or `until` before `since`), then those of EventStream.
    /// API: GET /events, 1.24+. Source: daemon/server/router/system of moby, API 1.41 to 1.55;
    ///   pkg/api/handlers/compat/events.go of podman 4.3 and 5.8.
    Task<EventStream> watch(const WatchEvents& options);
    Task<EventStream> watch(WatchEvents&& options) = delete;

private:
    Transport* transport_;
};

} // namespace slipway::engine
