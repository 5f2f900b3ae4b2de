#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"

#include <slipway/engine/events.hpp>

#include <doctest/doctest.h>

#include <algorithm>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;
using namespace std::chrono_literals;

namespace {

using Time = EventPosition::Time;

EventStream watch(FakeTransport& engine, const WatchEvents& options)
{
    auto stream = run(Events(engine).watch(options));
    REQUIRE(stream.has_value());
    return *std::move(stream);
}

/// Reads to the end or to the error, which stays in `error` when it is given.
std::vector<Event> read_all(EventStream& stream, std::optional<Error>* error = nullptr)
{
    std::vector<Event> events;
    for (;;) {
        auto event = run(stream.next());
        if (!event && error != nullptr) *error = event.error();
        if (!event || !*event) return events;
        events.push_back(**std::move(event));
    }
}

/// An event of API 1.52, without `status`, `id` and `from`.
std::string event_text(const std::string& action, std::int64_t nanoseconds)
{
    return R"({"Type":"container","Action":")" + action
           + R"(","Actor":{"ID":"c1","Attributes":{"name":"web"}},"scope":"local","time":)"
           + std::to_string(nanoseconds / 1'000'000'000) + R"(,"timeNano":)"
           + std::to_string(nanoseconds) + "}";
}

std::vector<std::string> actions(const std::vector<Event>& events)
{
    std::vector<std::string> out;
    std::ranges::transform(events, std::back_inserter(out), &Event::action);
    return out;
}

} // namespace

TEST_SUITE("engine.events.read")
{
    TEST_CASE("recorded events of dockerd, at any read size")
    {
        for (const std::size_t max_read : {std::size_t{1}, std::size_t{100}, std::size_t{99'999}}) {
            FakeTransport engine;
            engine.max_read = max_read;
            engine.reply(200, docker_reply("events.jsonl"));
            WatchEvents options;
            options.until = Time(1h);
            auto stream = watch(engine, options);
            const auto events = read_all(stream);
            REQUIRE(events.size() == 13);
            CHECK(events[0].type == "volume");
            CHECK(events[0].actor == "slipway-rec-vol");
            const auto die = std::ranges::find(events, "die", &Event::action);
            REQUIRE(die != events.end());
            CHECK(die->type == "container");
            CHECK(die->actor.size() == 64);
            CHECK(die->scope == "local");
            CHECK(die->attributes.at("exitCode") == "137");
            CHECK(die->attributes.at("slipway.test") == "record");
            CHECK(die->time > Time(1'795'000'000s));
            CHECK(die->time.time_since_epoch() % 1s != 0s);
            CHECK(actions(events).back() == "destroy");
        }
    }

    TEST_CASE("podman's events have docker's names, and a volume its own")
    {
        FakeTransport engine;
        engine.known = FakeTransport::podman();
        engine.reply(200, podman_reply("events.jsonl"));
        WatchEvents options;
        options.until = Time(2'000'000'000s);
        auto stream = watch(engine, options);
        const auto events = read_all(stream);
        CHECK(
            actions(events)
            == std::vector<
                std::
                    string>{"create", "create", "init", "start", "exec", "exec_die", "stop", "die", "destroy", "destroy"}
        );
        CHECK(events.front().actor == "slipway-rec-vol");
        CHECK(events.back().actor == "slipway-rec-vol");
        CHECK(events[7].attributes.at("exitCode") == "137");
    }

    TEST_CASE("every framing of API 1.52 is the same to the reader")
    {
        const std::string one = event_text("start", 1'000'000'000);
        const std::string two = event_text("die", 2'000'000'000);
        for (const std::string& body :
             {one + two,
              one + "\n" + two + "\n",
              one + "\r\n\r\n" + two,
              "\x1e" + one + "\n\x1e" + two + "\n"}) {
            FakeTransport engine;
            engine.reply(200, body);
            WatchEvents options;
            options.until = Time(3s);
            auto stream = watch(engine, options);
            const auto events = read_all(stream);
            CHECK(actions(events) == std::vector<std::string>{"start", "die"});
            CHECK(events[1].time == Time(2s));
        }
    }

    TEST_CASE("what an event lacks is empty, and seconds do where there is no more")
    {
        FakeTransport engine;
        engine.reply(
            200, R"({"Type":"x","Action":"y: z","time":7}{"Type":"x","Action":"y","Actor":null})"
        );
        WatchEvents options;
        options.until = Time(1h);
        auto stream = watch(engine, options);
        const auto events = read_all(stream);
        REQUIRE(events.size() == 2);
        CHECK(events[0].time == Time(7s));
        CHECK(events[0].actor.empty());
        CHECK(verb(events[0]) == "y");
        CHECK(verb(events[1]) == "y");
    }

    TEST_CASE("a time that nanoseconds do not reach is a protocol error")
    {
        for (const char* time :
             {R"("timeNano":-9223372036854775808)",
              R"("timeNano":9223372036854775807)",
              R"("time":9223372037)",
              R"("time":-9223372036854775808)"}) {
            CAPTURE(time);
            FakeTransport engine;
            engine.reply(200, R"({"Type":"x","Action":"y",)" + std::string(time) + "}");
            const WatchEvents options;
            auto stream = watch(engine, options);
            std::optional<Error> error;
            CHECK(read_all(stream, &error).empty());
            REQUIRE(error.has_value());
            CHECK(error->code == Errc::protocol);
            CHECK(error->message == "the engine's reply: $.time is out of range");
        }
    }

    TEST_CASE("an end is due at `until` and an error without it, and errors are final")
    {
        const std::string good = event_text("start", 1);
        struct Row {
            std::string body;
            bool until;
            std::optional<Errc> code;
            std::size_t events;
        };
        const Row table[] = {
            {good, true, std::nullopt, 1},
            {good, false, Errc::truncated, 1},
            {good + R"({"Type":)", true, Errc::truncated, 1},
            {good + "<html>", true, Errc::protocol, 1},
            {R"({"Type":"x"})" + good, true, Errc::protocol, 0},
            {R"({"Type":"x","Action":5})", true, Errc::protocol, 0},
            {R"({"Type":"x","Action":"y","Actor":{"Attributes":{"a":1}}})",
             true,
             Errc::protocol,
             0},
        };
        for (const Row& row : table) {
            CAPTURE(row.body);
            FakeTransport engine;
            engine.reply(200, row.body);
            WatchEvents options;
            if (row.until) options.until = Time(1h);
            auto stream = watch(engine, options);
            std::optional<Error> error;
            CHECK(read_all(stream, &error).size() == row.events);
            REQUIRE(error.has_value() == row.code.has_value());
            if (!error) continue;
            CHECK(error->code == *row.code);
            CHECK(error->context.back() == "watching the engine's events");
            CHECK(error->answer->route == "/v1.41/events");
            CHECK(engine.witness->closed);
            CHECK(run(stream.next()).error().message == error->message);
        }
    }

    TEST_CASE("a broken connection is what the transport calls it")
    {
        FakeTransport engine;
        engine.stream(200, {event_text("start", 1)}, {}, Error(Errc::io, "reset"));
        const WatchEvents options;
        auto stream = watch(engine, options);
        std::optional<Error> error;
        CHECK(read_all(stream, &error).size() == 1);
        REQUIRE(error.has_value());
        CHECK(error->message == "reset");
    }

    TEST_CASE("a stream that holds nothing is a bug that is reported as one")
    {
        EventStream nothing;
        CHECK(run(nothing.next()).error().code == Errc::internal);
        CHECK(nothing.position().empty());
        nothing.close();
    }
}

TEST_SUITE("engine.events.ask")
{
    TEST_CASE("what is asked for, on each engine")
    {
        WatchEvents options;
        options.filters = {{"event", {"die", "destroy"}}, {"type", {"container"}}};
        options.since = Time(5s + 1ns);
        options.until = Time(6s);
        FakeTransport docker;
        docker.reply(200);
        watch(docker, options);
        CHECK(docker.calls[0].kind == "open");
        CHECK(docker.calls[0].method == "GET");
        CHECK(!docker.calls[0].deadline.has_value());
        CHECK(
            docker.calls[0].target
            == "/events?since=5.000000001&until=6.000000000&filters=%7B%22event%22:%5B%22die%22,"
               "%22destroy%22%5D,%22type%22:%5B%22container%22%5D%7D"
        );
        // Podman loses events when `until` is over, so it is asked without, and its own names are
        // asked for too.
        FakeTransport podman;
        podman.known = FakeTransport::podman();
        podman.reply(200);
        watch(podman, options);
        CHECK(
            podman.calls[0].target
            == "/events?since=5.000000001&stream=0&filters=%7B%22event%22:%5B%22die%22,"
               "%22destroy%22,%22died%22,%22remove%22%5D,%22type%22:%5B%22container%22%5D%7D"
        );
        options.since.reset();
        options.filters.clear();
        podman.reply(200);
        watch(podman, options);
        CHECK(podman.calls[1].target == "/events?stream=0&since=0.000000000");
        const auto later = std::chrono::system_clock::now() + 1h;
        options.until = later;
        podman.reply(200);
        watch(podman, options);
        CHECK(podman.calls[2].target.starts_with("/events?until="));
        const WatchEvents bare;
        podman.reply(200);
        watch(podman, bare);
        CHECK(podman.calls[3].target == "/events");
    }

    TEST_CASE("what podman sends beyond the end or beside the names is dropped")
    {
        FakeTransport engine;
        engine.known = FakeTransport::podman();
        engine.reply(
            200,
            event_text("remove", 1) + event_text("died", 2) + event_text("start", 3)
                + R"({"Type":"image","Action":"remove","timeNano":4})"
                + R"({"Type":"pod","Action":"remove","timeNano":5})" + event_text("died", 7)
        );
        WatchEvents options;
        options.filters = {{"event", {"destroy", "die"}}};
        options.until = Time(6ns);
        auto stream = watch(engine, options);
        CHECK(actions(read_all(stream)) == std::vector<std::string>{"destroy", "die"});
    }

    TEST_CASE("a filter that is no UTF-8 is refused here")
    {
        FakeTransport engine;
        WatchEvents options;
        options.filters = {{"label", {"\xff"}}};
        const auto refused = run(Events(engine).watch(options));
        REQUIRE(!refused.has_value());
        CHECK(refused.error().code == Errc::invalid_argument);
        CHECK(engine.calls.empty());
    }
}

TEST_SUITE("engine.events.resume")
{
    TEST_CASE("a reader goes on without a gap and without repeats")
    {
        constexpr std::int64_t second = 1'000'000'000;
        FakeTransport engine;
        engine.reply(
            200,
            event_text("create", 10 * second) + event_text("start", 11 * second)
                + event_text("die", 11 * second)
        );
        const WatchEvents first;
        auto stream = watch(engine, first);
        CHECK(stream.position().empty());
        CHECK(read_all(stream).size() == 3);
        WatchEvents again;
        again.after = stream.position();
        again.since = Time(1s);
        // The one that was written down before the latest, and put in line after it, is new.
        engine.reply(
            200,
            event_text("create", 10 * second) + event_text("late", 11 * second - 1)
                + event_text("start", 11 * second) + event_text("die", 11 * second)
                + event_text("other", 11 * second) + event_text("start", 12 * second)
        );
        auto resumed = watch(engine, again);
        CHECK(engine.calls[1].target == "/events?since=10.000000000");
        CHECK(actions(read_all(resumed)) == std::vector<std::string>{"late", "other", "start"});
        WatchEvents third;
        third.after = resumed.position();
        engine.reply(200, event_text("start", 12 * second) + event_text("start", 12 * second + 1));
        auto end = watch(engine, third);
        CHECK(engine.calls[2].target == "/events?since=11.000000000");
        CHECK(read_all(end).size() == 1);
    }

    TEST_CASE("nothing comes twice, however much came in the last second")
    {
        constexpr std::int64_t begin = 10'000'000'000;
        constexpr std::int64_t step = 100'000;
        constexpr int most = 3000;
        std::string all;
        for (int i = 0; i < most; ++i) {
            all += event_text("start", begin + i * step);
        }
        FakeTransport engine;
        engine.reply(200, all);
        const WatchEvents first;
        auto stream = watch(engine, first);
        REQUIRE(read_all(stream).size() == most);
        WatchEvents again;
        again.after = stream.position();
        // An engine that looks at whole seconds alone gives them all once more.
        engine.reply(200, all + event_text("die", begin + most * step));
        auto resumed = watch(engine, again);
        CHECK(engine.calls[1].target == "/events?since=10.197500000");
        CHECK(actions(read_all(resumed)) == std::vector<std::string>{"die"});
    }

    TEST_CASE("what is new pushes nothing out that may come again")
    {
        constexpr std::int64_t begin = 10'000'000'000;
        std::string old;
        std::string missed;
        for (int i = 0; i < 1000; ++i) {
            old += event_text("start", begin + i);
            missed += event_text("die", begin + 2000 + i);
        }
        FakeTransport engine;
        engine.reply(200, old);
        const WatchEvents first;
        auto stream = watch(engine, first);
        REQUIRE(read_all(stream).size() == 1000);
        WatchEvents again;
        again.after = stream.position();
        engine.reply(200, missed + event_text("die", begin + 5'000'000'000) + old);
        auto resumed = watch(engine, again);
        const std::vector<std::string> expected(1001, "die");
        CHECK(actions(read_all(resumed)) == expected);
    }

    TEST_CASE("a position never asks for what was before its first event, and stays small")
    {
        EventPosition position;
        Event event;
        event.type = "container";
        event.time = Time(100s);
        for (int i = 0; i < 5000; ++i) {
            event.actor = std::to_string(i);
            position.add(event);
        }
        CHECK(position.ask_from() == Time(100s));
        CHECK(position.has(event));
        event.actor = "0";
        CHECK(position.has(event)); // pushed out, and not repeated
        event.actor = "4999";
        event.time = Time(101s);
        CHECK(!position.has(event));
        position.add(event);
        event.time = Time(103s);
        position.add(event);
        CHECK(position.latest() == Time(103s));
        CHECK(position.ask_from() == Time(102s));
        event.time = Time(101s);
        CHECK(!position.has(event));
    }
}
