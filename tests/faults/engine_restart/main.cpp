#define DOCTEST_CONFIG_IMPLEMENT
#include "support/leaks.hpp"
#include "support/run.hpp"

#include <slipway/engine/child.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/endpoint.hpp>
#include <slipway/engine/events.hpp>
#include <slipway/engine/frames.hpp>

#include <cstdlib>
#include <optional>
#include <thread>

// A real engine of this test's own, which goes and is started again under what reads from it.
// SLIPWAY_TEST_HOST: where it is; SLIPWAY_TEST_RESTART: the command that does that in good order;
// SLIPWAY_TEST_KILL: the command that does it by kill -9.

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

namespace {

std::string variable(const char* name)
{
    const char* const value = std::getenv(name); // NOLINT(concurrency-mt-unsafe)
    REQUIRE_MESSAGE(value != nullptr, std::string(name));
    return value;
}

struct Seen {
    std::optional<Result<ExitStatus>> exit;
    std::optional<Result<>> log;
    std::optional<Error> events;
    std::string written;
    EventPosition position;
};

Task<> wait_for_exit(Wait wait, Seen* seen)
{
    seen->exit.emplace(co_await wait.result());
    co_return ok();
}

Task<> follow(std::unique_ptr<ResponseStream> log, Seen* seen)
{
    StringSink sink(seen->written);
    seen->log.emplace(co_await demultiplex(*log, sink, sink));
    co_return ok();
}

Task<> watch(EventStream events, Seen* seen)
{
    for (;;) {
        auto event = co_await events.next();
        seen->position = events.position();
        if (event) continue;
        seen->events = std::move(event).error();
        co_return ok();
    }
}

bool is_lost_connection(const Error& error)
{
    return error.code == Errc::truncated || error.code == Errc::io;
}

enum class End { in_good_order, killed };

void goes_under_what_reads(const std::string& restart, End end)
{
    const auto endpoint = parse_endpoint(variable("SLIPWAY_TEST_HOST"), std::nullopt);
    REQUIRE_MESSAGE(endpoint.has_value(), describe(endpoint.error()));
    boost::asio::io_context io;
    auto client = run(io, Client::connect(io.get_executor(), *endpoint));
    REQUIRE_MESSAGE(client.has_value(), describe(client.error()));
    Containers containers(client->transport());
    Events events(client->transport());
    ContainerSpec spec;
    spec.image = "busybox:latest";
    spec.cmd = {"sh", "-c", "echo begun; sleep 1000"};
    spec.host.network_mode = "none";
    const auto made = run(io, containers.create(spec));
    REQUIRE_MESSAGE(made.has_value(), describe(made.error()));

    Seen seen;
    WatchEvents everything;
    auto watching = run(io, events.watch(everything));
    REQUIRE_MESSAGE(watching.has_value(), describe(watching.error()));
    auto wait = run(io, containers.wait(made->id, WaitCondition::next_exit));
    REQUIRE_MESSAGE(wait.has_value(), describe(wait.error()));
    REQUIRE(run(io, containers.start(made->id)).has_value());
    LogOptions options;
    options.follow = true;
    auto log = run(io, containers.logs(made->id, options));
    REQUIRE_MESSAGE(log.has_value(), describe(log.error()));

    Child waiter(io.get_executor(), wait_for_exit(*std::move(wait), &seen));
    Child reader(io.get_executor(), follow(*std::move(log), &seen));
    Child watcher(io.get_executor(), watch(*std::move(watching), &seen));
    io.restart();
    while (seen.written != "begun\n") {
        REQUIRE(io.run_one() == 1);
    }
    int restarted = -1;
    std::thread engine([&] { restarted = std::system(restart.c_str()); });
    io.run(); // all three end by themselves, and the test hangs when one does not
    engine.join();
    REQUIRE(restarted == 0);

    REQUIRE(seen.exit.has_value());
    REQUIRE(seen.log.has_value());
    // An engine that goes in good order may tell how the container ended before it goes. One
    // that is killed has told nothing, and what it did not tell is no end.
    if (end == End::killed) {
        REQUIRE(!*seen.exit);
        REQUIRE(!*seen.log);
    }
    if (!*seen.exit) {
        CHECK_MESSAGE(is_lost_connection(seen.exit->error()), describe(seen.exit->error()));
    } else {
        CHECK((**seen.exit).code > 128);
    }
    if (!*seen.log) {
        CHECK_MESSAGE(is_lost_connection(seen.log->error()), describe(seen.log->error()));
    }
    CHECK(seen.written == "begun\n");
    REQUIRE(seen.events.has_value());
    CHECK_MESSAGE(is_lost_connection(*seen.events), describe(*seen.events));

    // The same client goes on with the engine that is there now: nothing is done by itself, and
    // the caller looks, as the documentation of wait and events says.
    const auto now = run(io, containers.inspect(made->id));
    REQUIRE_MESSAGE(now.has_value(), describe(now.error()));
    CHECK(now->state.status == "exited");
    everything.after = seen.position;
    auto again = run(io, events.watch(everything));
    REQUIRE_MESSAGE(again.has_value(), describe(again.error()));
    REQUIRE(run(io, containers.start(made->id)).has_value());
    const auto next = run(io, again->next());
    REQUIRE_MESSAGE(next.has_value(), describe(next.error()));
    REQUIRE(next->has_value());
    const RemoveContainer with_force = [] {
        RemoveContainer remove;
        remove.force = true;
        return remove;
    }();
    CHECK(run(io, containers.remove(made->id, with_force)).has_value());
}

} // namespace

TEST_SUITE("faults.engine_restart")
{
    TEST_CASE("an engine that restarts under wait, logs and events [fault 65]")
    {
        goes_under_what_reads(variable("SLIPWAY_TEST_RESTART"), End::in_good_order);
    }
    TEST_CASE("an engine that is killed under wait, logs and events [fault 65]")
    {
        goes_under_what_reads(variable("SLIPWAY_TEST_KILL"), End::killed);
    }
}

int main(int argc, char** argv)
{
    return run_without_leaks(argc, argv);
}
