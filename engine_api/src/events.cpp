#include "call.hpp"
#include "event_names.hpp"
#include "object_stream.hpp"
#include "time_text.hpp"

#include <slipway/engine/events.hpp>

#include <algorithm>

namespace slipway {

namespace {

/// Only the members that API 1.52 left in: `status`, `id` and `from` say the same once more.
struct EventText {
    struct Actor {
        std::string id;
        std::map<std::string, std::string> attributes;
    };
    std::string type;
    std::string action;
    Actor actor;
    std::string scope;
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
};

} // namespace

template <>
struct json::Fields<EventText::Actor> {
    using T = EventText::Actor;
    static constexpr auto list =
        std::tuple{json::optional("ID", &T::id), json::optional("Attributes", &T::attributes)};
};
template <>
struct json::Fields<EventText> {
    using T = EventText;
    static constexpr auto list = std::tuple{
        json::required("Type", &T::type),
        json::required("Action", &T::action),
        json::optional("Actor", &T::actor),
        json::optional("scope", &T::scope),
        json::optional("time", &T::seconds),
        json::optional("timeNano", &T::nanoseconds)};
};

namespace engine {

namespace {

/// Seconds from 1970, in either direction, that nanoseconds of 64 bits reach, and some to spare.
constexpr std::int64_t furthest_second = 9'000'000'000;

std::string event_identity(const Event& event)
{
    return event.type + '\n' + event.action + '\n' + event.actor;
}

Result<Event> read_event(std::string_view text)
{
    TRY(EventText said, json::decode<EventText>(std::string(text)));
    Event event;
    event.type = std::move(said.type);
    event.action = std::move(said.action);
    event.actor = std::move(said.actor.id);
    event.attributes = std::move(said.actor.attributes);
    event.scope = std::move(said.scope);
    const std::int64_t second =
        said.nanoseconds != 0 ? said.nanoseconds / 1'000'000'000 : said.seconds;
    if (second < -furthest_second || second > furthest_second) {
        return fail(Errc::protocol, "the engine's reply: $.time is out of range");
    }
    event.time = said.nanoseconds != 0 ? Moment(std::chrono::nanoseconds(said.nanoseconds))
                                       : Moment(std::chrono::seconds(said.seconds));
    return event;
}

/// What of a watch the engine cannot do, and the reader has to.
struct WatchRest {
    Filters filters{};             ///< with docker's names, where the engine has others
    bool libpod_names = false;     ///< of the events that come
    std::optional<Moment> until{}; ///< where the engine was asked without
    bool endless = true;           ///< no end is due
};

/// An `until` that is over makes podman's reader race with the end it sets, and lose events. Asked
/// for what is there, without `until`, it gives all.
void ask_for_past(Request& request, const WatchEvents& options, WatchRest& rest)
{
    rest.until = options.until;
    request.query("stream", "0");
    if (!options.since && options.after.empty()) request.query("since", unix_text(Moment()));
}

Result<Request> watch_request(const WatchEvents& options, const Traits& traits, WatchRest& rest)
{
    Request request("GET", "/events");
    rest.libpod_names = traits.events_have_libpod_names;
    rest.endless = !options.until;
    const auto since = options.after.empty() ? options.since : options.after.ask_from();
    if (since) request.query("since", unix_text(*since));
    const bool over = options.until && *options.until <= std::chrono::system_clock::now();
    if (over && traits.past_events_need_an_open_end) {
        ask_for_past(request, options, rest);
    } else if (options.until) {
        request.query("until", unix_text(*options.until));
    }
    Filters filters = options.filters;
    if (rest.libpod_names) {
        rest.filters = options.filters;
        add_libpod_names(filters);
    }
    CHECK_OK(add_filters(request, filters));
    return request;
}

} // namespace

std::string_view verb(const Event& event) noexcept
{
    const std::string_view action = event.action;
    return action.substr(0, action.find(':'));
}

bool EventPosition::has(const Event& event) const
{
    if (event.time <= forgotten_) return true;
    return std::ranges::any_of(recent_, [&, what = event_identity(event)](const Seen& seen) {
        return seen.time == event.time && seen.what == what;
    });
}

void EventPosition::add(const Event& event)
{
    if (recent_.empty()) first_ = latest_ = event.time;
    latest_ = std::max(latest_, event.time);
    recent_.push_back({event.time, event_identity(event)});
    while (recent_.size() > most || recent_.front().time < latest_ - overlap) {
        if (recent_.size() > most) forgotten_ = std::max(forgotten_, recent_.front().time);
        recent_.pop_front();
    }
}

class EventStream::Impl {
public:
    Impl(std::unique_ptr<ObjectStream> objects, WatchRest rest, EventPosition after)
        : objects_(std::move(objects)),
          rest_(std::move(rest)),
          position_(after),
          after_(std::move(after))
    {
    }

    Task<std::optional<Event>> next()
    {
        for (;;) {
            CO_TRY(const auto text, co_await objects_->next());
            if (!text && rest_.endless) {
                Error error(Errc::truncated, "the engine ended the stream of its events");
                co_return fail(objects_->give_up(std::move(error)));
            }
            if (!text) co_return std::nullopt;
            auto event = read_event(*text);
            if (!event) co_return fail(objects_->give_up(std::move(event).error()));
            if (is_due(*event)) co_return std::optional<Event>(*std::move(event));
        }
    }

    const EventPosition& position() const noexcept { return position_; }
    void close() noexcept { objects_->close(); }

private:
    bool is_due(Event& event)
    {
        if (rest_.libpod_names) {
            use_docker_names(event);
            if (!is_wanted(event, rest_.filters)) return false;
        }
        if (rest_.until && event.time > *rest_.until) return false;
        // Not `position_`, which forgets what may still be to come again.
        if (event.time <= after_.latest() && after_.has(event)) return false;
        position_.add(event);
        return true;
    }

    std::unique_ptr<ObjectStream> objects_;
    WatchRest rest_;
    EventPosition position_;
    EventPosition after_;
};

namespace {

Task<EventStream>
open_events(Transport& transport, Result<Request> request, WatchRest rest, EventPosition after)
{
    CO_TRY(
        auto objects,
        co_await open_objects(transport, std::move(request), "watching the engine's events")
    );
    co_return EventStream(
        std::make_unique<EventStream::Impl>(std::move(objects), std::move(rest), std::move(after))
    );
}

} // namespace

EventStream::EventStream() noexcept = default;
EventStream::EventStream(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
EventStream::EventStream(EventStream&&) noexcept = default;
EventStream& EventStream::operator=(EventStream&&) noexcept = default;
EventStream::~EventStream() = default;

Task<std::optional<Event>> EventStream::next()
{
    return impl_ ? impl_->next() : refuse<std::optional<Event>>(nothing_held("events"));
}

const EventPosition& EventStream::position() const noexcept
{
    static const EventPosition nowhere;
    return impl_ ? impl_->position() : nowhere;
}

void EventStream::close() noexcept
{
    if (impl_) impl_->close();
}

Task<EventStream> Events::watch(const WatchEvents& options)
{
    WatchRest rest;
    auto request = watch_request(options, transport_->traits(), rest);
    return open_events(*transport_, std::move(request), std::move(rest), options.after);
}

} // namespace engine

} // namespace slipway
