#include "conformance/lab.hpp"

#include <algorithm>

using namespace slipway;
using namespace slipway::test;

namespace {

std::string last_action(const std::vector<engine::Event>& events)
{
    return events.empty() ? std::string() : events.back().action;
}

/// Reads until an action comes, which it does sooner or later.
std::vector<engine::Event>
read_until(Lab& lab, engine::EventStream& stream, const std::string& action)
{
    std::vector<engine::Event> events;
    while (last_action(events) != action) {
        auto event = lab.must(stream.next());
        REQUIRE(event.has_value());
        events.push_back(*std::move(event));
    }
    return events;
}

std::vector<engine::Event> read_to_end(Lab& lab, engine::EventStream& stream)
{
    std::vector<engine::Event> events;
    while (auto event = lab.must(stream.next())) {
        events.push_back(*std::move(event));
    }
    return events;
}

bool has_action(const std::vector<engine::Event>& events, std::string_view action)
{
    return std::ranges::find(events, action, &engine::Event::action) != events.end();
}

} // namespace

TEST_SUITE("Events/stats")
{
    TEST_CASE("events: as they come, after a break, and of the past")
    {
        Lab lab;
        engine::WatchEvents options;
        options.filters = lab.only_ours();
        options.since = std::chrono::system_clock::now();
        auto live = lab.must(lab.events.watch(options));
        const auto id = lab.create(lab.spec({"sh", "-c", "exit 3"}));
        CHECK(lab.must(lab.containers.start(id)) == engine::Change::done);
        auto seen = read_until(lab, live, "create");
        CHECK(seen.front().type == "container");
        CHECK(seen.front().actor == id);
        live.close();
        CHECK(lab.exit_code(id) == 3);

        engine::WatchEvents again = options;
        again.after = live.position();
        auto resumed = lab.must(lab.events.watch(again));
        auto rest = read_until(lab, resumed, "die");
        CHECK(!has_action(rest, "create"));
        CHECK(has_action(rest, "start"));
        CHECK(rest.back().attributes.at("exitCode") == "3");
        CHECK(rest.back().time >= seen.back().time);
        lab.remove(id);
        rest = read_until(lab, resumed, "destroy");
        CHECK(!has_action(rest, "die"));

        engine::WatchEvents past = options;
        past.until = std::chrono::system_clock::now();
        past.filters["event"] = {"die", "destroy"};
        past.filters["type"] = {"container"};
        auto stream = lab.must(lab.events.watch(past));
        const auto both = read_to_end(lab, stream);
        REQUIRE(both.size() == 2);
        CHECK(both[0].action == "die");
        CHECK(both[1].action == "destroy");
        CHECK(both[1].actor == id);

        past.until = *past.since;
        auto before = lab.must(lab.events.watch(past));
        CHECK(read_to_end(lab, before).empty());
        CHECK(lab.ours().empty());
    }

    TEST_CASE("what takes up the disk")
    {
        Lab lab;
        const auto id = lab.create(lab.spec({"sh", "-c", "head -c 100000 /dev/zero > /made"}));
        CHECK(lab.must(lab.containers.start(id)) == engine::Change::done);
        CHECK(lab.exit_code(id) == 0);
        // dockerd's list may still have it running.
        auto usage = lab.must(lab.system.disk_usage());
        wait_until([&] {
            usage = lab.must(lab.system.disk_usage());
            return usage.container_totals.reclaimable_bytes >= 100'000;
        });
        const auto ours = std::ranges::find(usage.containers, id, &engine::ContainerSummary::id);
        REQUIRE(ours != usage.containers.end());
        CHECK(ours->size_rw.value_or(0) >= 100'000);
        CHECK(!usage.images.empty());
        CHECK(usage.image_totals.bytes > 1'000'000);
        CHECK(usage.image_totals.count == static_cast<std::int64_t>(usage.images.size()));
        engine::DiskUsageOf some;
        some.images = false;
        CHECK(!lab.must(lab.system.disk_usage(some)).containers.empty());
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("a login where there is no registry")
    {
        Lab lab;
        engine::RegistryAuth auth;
        auth.username = "me";
        auth.password = "hunter2";
        auth.server_address = "127.0.0.1:1";
        const auto error = lab.refused(lab.system.login(auth));
        CHECK_MESSAGE(error.code == Errc::engine, describe(error));
        CHECK(contains(error.message, "connection refused"));
        CHECK(!contains(describe(error), "hunter2"));
    }

    TEST_CASE("stats: one, a pair, a stream, and of what does not run")
    {
        Lab lab;
        const auto id = lab.idle();
        const auto single = lab.must(lab.containers.stats(id));
        CHECK((single.id == id || single.id.empty())); // dockerd 26 leaves it out of a single one
        CHECK(single.read_at.has_value());
        CHECK(!single.previous_at.has_value());
        const auto pair = lab.must(lab.containers.stats(id, engine::StatsSample::pair));
        CHECK(*pair.read_at > *single.read_at);

        auto stream = lab.must(lab.containers.watch_stats(id));
        const auto first = lab.must(stream.next());
        const auto second = lab.must(stream.next());
        REQUIRE(first.has_value());
        REQUIRE(second.has_value());
        CHECK(*second->read_at > *first->read_at);
        CHECK(second->previous_at.has_value());
        if (second->cpu.system > 0) CHECK(cpu_percent(*second).has_value());
        stream.close();

        lab.must(lab.containers.kill(id));
        CHECK(lab.exit_code(id) == 137);
        const auto stopped = lab.refused(lab.containers.stats(id));
        CHECK_MESSAGE(stopped.code == Errc::conflict, describe(stopped));
        CHECK(
            lab.refused(lab.containers.stats("slipway-no-such-container")).code == Errc::not_found
        );
        CHECK(
            lab.refused(lab.containers.watch_stats("slipway-no-such-container")).code
            == Errc::not_found
        );
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("events: of one type, of one action, and what fits no filter")
    {
        Lab lab;
        engine::WatchEvents options;
        options.since = std::chrono::system_clock::now();
        engine::VolumeSpec volume;
        volume.name = unique_name("event");
        volume.labels = lab.labels();
        lab.must(lab.volumes.create(volume));
        const auto id = lab.create(lab.spec({"true"}));
        lab.must(lab.volumes.remove(volume.name));
        lab.remove(id);
        wait_until([&] {
            options.until = std::chrono::system_clock::now();
            options.filters = {{"type", {"container"}}, {"container", {id}}};
            auto stream = lab.must(lab.events.watch(options));
            return has_action(read_to_end(lab, stream), "destroy");
        });
        options.filters = {{"type", {"volume"}}, {"volume", {volume.name}}};
        auto volumes = lab.must(lab.events.watch(options));
        for (const auto& event : read_to_end(lab, volumes)) {
            CHECK(event.type == "volume");
            CHECK(event.actor == volume.name);
        }
        options.filters = {{"container", {id}}, {"event", {"create"}}};
        auto created = lab.must(lab.events.watch(options));
        const auto one = read_to_end(lab, created);
        REQUIRE(one.size() == 1);
        CHECK(one[0].action == "create");
        options.filters = {{"container", {"slipway-no-such-container"}}};
        auto none = lab.must(lab.events.watch(options));
        CHECK(read_to_end(lab, none).empty());
    }

    TEST_CASE("events: until a time that is yet to come")
    {
        Lab lab;
        engine::WatchEvents options;
        options.filters = lab.only_ours();
        options.until = std::chrono::system_clock::now() + std::chrono::seconds(2);
        auto stream = lab.must(lab.events.watch(options));
        const auto id = lab.create(lab.spec({"true"}));
        const auto events = read_to_end(lab, stream);
        CHECK(has_action(events, "create"));
        CHECK(std::chrono::system_clock::now() >= *options.until);
        lab.remove(id);
    }
}
